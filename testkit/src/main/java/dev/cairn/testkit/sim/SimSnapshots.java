package dev.cairn.testkit.sim;

import dev.cairn.engine.AppliedState;
import dev.cairn.engine.RowKind;
import dev.cairn.server.replica.Snapshots;
import dev.cairn.testkit.sim.SimTrace.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots of one node over all its lives: when one is taken, what log may go, how one is fetched from a peer piece by
 * piece and kept over cuts and crashes, and the intent under which it is installed. The steps are those of the node's
 * snapshot service, which works on files and with threads; what core, log and replica do about them is the real thing.
 */
final class SimSnapshots implements Snapshots {
    /** The node around it. */
    interface Host extends SimDirectory.Owner {
        MapStore store();

        long appliedIndex();

        void wakeLoop();

        /** Does something in this life as soon as the node is not paused; it may end by a crash. */
        void whenRunning(Runnable step);
    }

    /** A finished snapshot: forced and renamed, so that no crash takes it. */
    static final class Finished {
        final long id;
        final AppliedState applied;
        final byte[] content;
        final int crc;

        Finished(long id, AppliedState applied, byte[] content, int crc) {
            this.id = id;
            this.applied = applied;
            this.content = content;
            this.crc = crc;
        }

        long index() {
            return applied.index();
        }

        long term() {
            return applied.term();
        }
    }

    /** What has arrived of a peer's. */
    private static final class Staging {
        final Finished of;
        final byte[] bytes;
        int received;
        /** So many bytes of it survive a crash of the host. */
        int forced;

        boolean arrivedAltered;

        Staging(Finished of) {
            this.of = of;
            this.bytes = new byte[of.content.length];
        }
    }

    private static final int PIECES_PER_FORCE = 4;
    private static final int SECTOR_BYTES = 512;
    private static final int REQUEST_BYTES = 48;
    private static final long TIMEOUT_NS = 400 * SwarmKnobs.MS;
    private static final long LONG_PIN_NS = 3 * SwarmKnobs.SECOND;

    private final int node;
    private final SwarmKnobs knobs;
    private final SimOptions options;
    private final SimRandom random;
    private final Scheduler scheduler;
    private final SimTrace trace;
    private final FaultCounts faults;
    private final SimNetwork network;
    private final ClusterInvariants invariants;
    private final Host host;
    /** By node id. */
    private final Map<Integer, SimSnapshots> all;

    // On disk.
    private final List<Finished> finished = new ArrayList<>();
    private @Nullable Staging staging;
    private @Nullable Finished intent;

    // Of a life of the process; replicas come and go in it.
    private final Map<Long, Long> pinnedUntilNs = new TreeMap<>();
    private long wantedIndex;
    private long droppableIndex;
    private long firstIndex = 1;
    private int leader;
    private @Nullable Finished staged;

    /** The one request under way; numbers rise over all lives, so that late answers are known for what they are. */
    private long request;

    private boolean healed;

    // Planted.
    private byte @Nullable [] noted;
    private @Nullable Staging mixed;

    private int taken;
    private int installed;

    SimSnapshots(
            int node,
            SwarmKnobs knobs,
            SimOptions options,
            SimRandom random,
            Scheduler scheduler,
            SimTrace trace,
            FaultCounts faults,
            SimNetwork network,
            ClusterInvariants invariants,
            Host host,
            Map<Integer, SimSnapshots> all) {
        this.node = node;
        this.knobs = knobs;
        this.options = options;
        this.random = random;
        this.scheduler = scheduler;
        this.trace = trace;
        this.faults = faults;
        this.network = network;
        this.invariants = invariants;
        this.host = host;
        this.all = all;
        all.put(node, this);
    }

    void crash(boolean takesHost) {
        pinnedUntilNs.clear();
        wantedIndex = 0;
        droppableIndex = 0;
        firstIndex = 1;
        leader = 0;
        staged = null;
        request++;
        Staging partly = staging;
        if (partly != null && takesHost) {
            int left = random.between(partly.forced, partly.received);
            for (int at = partly.forced; at < left; at += SECTOR_BYTES) {
                if (random.nextBoolean()) {
                    Arrays.fill(partly.bytes, at, Math.min(left, at + SECTOR_BYTES), (byte) 0);
                }
            }
            partly.received = left;
            partly.forced = left;
        }
    }

    void heal() {
        healed = true;
    }

    // ---- the loop's port

    @Override
    public @Nullable Offer offerTo(int peerId) {
        Finished newest = newest();
        if (newest == null || newest.index() < firstIndex - 1) {
            wantedIndex = Math.max(wantedIndex, firstIndex - 1);
            return null;
        }
        pin(newest);
        trace.add(Kind.OFFER, node, peerId, newest.index(), newest.id, 0);
        return new Offer(newest.id, newest.index(), newest.term());
    }

    /** A cut transfer goes on with the next offer. */
    @Override
    public void onOffered(int leaderId, Offer offer) {
        if (staged == null && leader == 0) {
            leader = leaderId;
            ask();
        }
    }

    @Override
    public long newestIndex() {
        Finished newest = newest();
        return newest == null ? 0 : newest.index();
    }

    @Override
    public void onLogSize(long first, long bytes, long snapshotIndex, long bytesBehindSnapshot) {
        firstIndex = first;
    }

    @Override
    public long droppableIndex() {
        if (options.has(SimBug.LOG_DROPPED_AHEAD) && droppableIndex > 0) {
            return host.appliedIndex();
        }
        return droppableIndex;
    }

    @Override
    public long keptLogBytes() {
        return knobs.keptLogBytes;
    }

    private @Nullable Finished newest() {
        return finished.isEmpty() ? null : finished.get(finished.size() - 1);
    }

    private void pin(Finished snapshot) {
        long forNs = healed ? LONG_PIN_NS : knobs.pinForNs;
        pinnedUntilNs.put(snapshot.id, scheduler.nowNs() + forNs);
    }

    private boolean isPinned(Finished snapshot) {
        return pinnedUntilNs.getOrDefault(snapshot.id, 0L) > scheduler.nowNs();
    }

    // ---- taking them, and dropping what they replace

    /** One look. */
    void step() {
        long applied = host.appliedIndex();
        long newest = newestIndex();
        boolean due = wantedIndex > newest
                || (firstIndex > 1 && newest < firstIndex - 1)
                || applied - newest >= knobs.snapshotEntries;
        if (applied > newest && due) {
            take();
        }
        // The newest is the last.
        for (Iterator<Finished> each = finished.iterator(); each.hasNext(); ) {
            Finished next = each.next();
            if (each.hasNext() && !isPinned(next)) {
                host.beforeChange();
                each.remove();
            }
        }
        allowDropping();
    }

    /** Index, term and all else come from its own content. */
    private void take() {
        MapStore store = host.store();
        host.beforeChange();
        store.flush();
        MapStore copy = plantedCopy(store);
        Finished next = finishedOf(random.nextLong(), copy);
        host.beforeChange();
        finished.add(next);
        taken++;
        invariants.onSnapshot(node, next.applied, copy.contentHash());
        trace.add(Kind.SNAPSHOT, node, next.index(), next.id, next.content.length, 0);
    }

    /** The store itself, but for planted bugs. */
    private MapStore plantedCopy(MapStore store) {
        if (options.has(SimBug.SNAPSHOT_WITHOUT_SESSIONS)) {
            MapStore copy = MapStore.of(store.content());
            copy.forget(RowKind.SESSION);
            return copy;
        }
        if (options.has(SimBug.SNAPSHOT_INDEX_FROM_NOTE)) {
            MapStore copy = MapStore.of(store.content());
            byte[] note = noted;
            noted = store.appliedRow();
            if (note != null) {
                copy.setAppliedRow(note);
            }
            return copy;
        }
        return store;
    }

    private static Finished finishedOf(long id, MapStore store) {
        byte[] content = store.content();
        return new Finished(id, store.flushedApplied(), content, crc(content));
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** Never above the newest snapshot, nor above what the store has flushed, nor above what a peer still needs. */
    private void allowDropping() {
        long limit = newestIndex();
        for (Finished each : finished) {
            if (isPinned(each)) {
                limit = Math.min(limit, each.index());
            }
        }
        if (limit > droppableIndex) {
            droppableIndex = Math.min(limit, host.store().flushedApplied().index());
        }
    }

    // ---- fetching one

    /** Asks for what comes next: what there is, or the next piece of what was begun. */
    private void ask() {
        long number = ++request;
        SimSnapshots sender = all.get(leader);
        Staging partly = staging;
        if (sender == null) {
            return;
        }
        if (partly == null) {
            network.carry(node, leader, REQUEST_BYTES, () -> sender.onOpen(node, number));
        } else {
            int offset = Math.min(partly.received, partly.bytes.length - 1);
            network.carry(node, leader, REQUEST_BYTES, () -> sender.onRead(node, number, partly.of.id, offset));
        }
        scheduler.after(TIMEOUT_NS, () -> {
            if (request == number) {
                cut();
            }
        });
    }

    private void cut() {
        leader = 0;
        request++;
        faults.count(SimFault.CUT_TRANSFER);
        trace.add(Kind.TRANSFER_CUT, node, 0, 0, 0, 0);
    }

    private void onOpen(int receiver, long number) {
        host.whenRunning(() -> {
            Finished newest = newest();
            if (newest != null) {
                pin(newest);
            }
            reply(receiver, REQUEST_BYTES, to -> to.onOpened(number, newest));
        });
    }

    private void onRead(int receiver, long number, long id, int offset) {
        host.whenRunning(() -> {
            for (Finished each : finished) {
                if (each.id == id) {
                    pin(each);
                    int end = Math.min(each.content.length, offset + knobs.snapshotPieceBytes);
                    byte[] piece = Arrays.copyOfRange(each.content, offset, end);
                    reply(receiver, piece.length, to -> to.onPiece(number, offset, piece));
                    return;
                }
            }
            reply(receiver, REQUEST_BYTES, to -> to.onGone(number));
        });
    }

    private interface Reply {
        void to(SimSnapshots receiver);
    }

    private void reply(int receiver, int bytes, Reply reply) {
        SimSnapshots to = all.get(receiver);
        if (to != null) {
            network.carry(node, receiver, bytes, () -> reply.to(to));
        }
    }

    /** Answers to any but the last request are too late, or come twice. */
    private void onReply(long number, Runnable step) {
        host.whenRunning(() -> {
            if (number == request) {
                step.run();
            }
        });
    }

    private void onOpened(long number, @Nullable Finished newest) {
        onReply(number, () -> {
            if (newest == null) {
                cut();
                return;
            }
            host.beforeChange();
            Staging begun = new Staging(newest);
            staging = begun;
            Staging other = mixed;
            if (other != null) {
                begun.received = Math.min(other.received, begun.bytes.length);
                System.arraycopy(other.bytes, 0, begun.bytes, 0, begun.received);
            }
            ask();
        });
    }

    /** The other end has another snapshot by now: pieces of two never mix. */
    private void onGone(long number) {
        onReply(number, () -> {
            mixed = options.has(SimBug.PIECES_OF_TWO_SNAPSHOTS) ? staging : null;
            staging = null;
            ask();
        });
    }

    private void onPiece(long number, int offset, byte[] piece) {
        onReply(number, () -> {
            Staging partly = staging;
            if (partly == null) {
                return;
            }
            if (offset == partly.received) {
                System.arraycopy(piece, 0, partly.bytes, offset, piece.length);
                partly.received += piece.length;
                trace.add(Kind.PIECE, node, leader, partly.received, partly.bytes.length, 0);
            }
            if (partly.received - partly.forced >= PIECES_PER_FORCE * knobs.snapshotPieceBytes) {
                host.beforeChange();
                partly.forced = partly.received;
            }
            if (partly.received == partly.bytes.length) {
                onAllArrived(partly);
            } else {
                ask();
            }
        });
    }

    private void onAllArrived(Staging whole) {
        if (crc(whole.bytes) != whole.of.crc && !options.has(SimBug.PIECES_OF_TWO_SNAPSHOTS)) {
            // Bytes that a crash of this host took away.
            boolean again = !whole.arrivedAltered;
            whole.arrivedAltered = true;
            whole.received = 0;
            whole.forced = 0;
            staging = again ? whole : null;
            ask();
            return;
        }
        host.beforeChange();
        whole.forced = whole.received;
        staged = new Finished(whole.of.id, whole.of.applied, whole.bytes, whole.of.crc);
        leader = 0;
        request++;
        trace.add(Kind.STAGED, node, whole.of.index(), whole.of.id, 0, 0);
        host.wakeLoop();
    }

    // ---- installing it

    /** What is ready to be installed. */
    @Nullable
    Finished staged() {
        return staged;
    }

    /** It is not needed any more. */
    void dropStaged() {
        staged = null;
        staging = null;
    }

    /** First step: from now on every restart goes forward. */
    void intend(Finished target) {
        host.beforeChange();
        if (!options.has(SimBug.INSTALL_WITHOUT_INTENT)) {
            intent = target;
        }
    }

    /** At a start: an installation that a crash has interrupted. */
    @Nullable
    Finished intent() {
        return intent;
    }

    /** Second step: the store that takes the place of the old one. */
    MapStore swapped(Finished target) {
        host.beforeChange();
        staging = null;
        return MapStore.of(target.content);
    }

    /** Last step, when the log follows. */
    void clear() {
        host.beforeChange();
        intent = null;
        staged = null;
        installed++;
    }

    int taken() {
        return taken;
    }

    int installed() {
        return installed;
    }
}
