package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.engine.AppliedConfiguration;
import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStoreException;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.MemberChange;
import dev.cairn.protocol.MessageType;
import dev.cairn.protocol.Status;
import dev.cairn.protocol.TransferLeaderDescriptor;
import dev.cairn.raft.EntryType;
import dev.cairn.raft.Membership;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.RaftOutput;
import dev.cairn.raft.Role;
import dev.cairn.raft.TransferAnswer;
import dev.cairn.server.metrics.Counter;
import dev.cairn.server.metrics.Level;
import dev.cairn.server.metrics.LoopMetrics;
import dev.cairn.wal.DiskSpace;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.HardState;
import dev.cairn.wal.Wal;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.agrona.DirectBuffer;
import org.agrona.collections.LongHashSet;
import org.agrona.concurrent.MessageHandler;

/**
 * The loop: takes what the network, the disk and the state machine have brought, lets the core decide, and hands on what
 * follows. One thread calls {@link #doWork} and everything else here; it never waits, for a ring or for anything else.
 *
 * <p>A cycle, in this order:
 *
 * <ol>
 *   <li>completions: what became durable, what was applied, results, slow reads
 *   <li>peers, all that arrived: before clients, so that load cannot cause elections
 *   <li>ticks, at most one: behind the peers, so that after a pause a leader's waiting message counts before the timeout
 *   <li>clients, at most {@link #CLIENT_FRAMES_PER_CYCLE}
 *   <li>{@link RaftCore#flush}: one AppendEntries carries what the cycle gathered, batching without timers
 *   <li>publish the appended position: the log-sync thread forces it while the peers force theirs
 *   <li>hand committed and durable ranges to apply; serve confirmed reads
 *   <li>replies, one flush per connection
 * </ol>
 */
public final class ConsensusAgent {
    /** Client frames taken in one cycle, so that a flood cannot keep the peers waiting. */
    static final int CLIENT_FRAMES_PER_CYCLE = 2048;

    /** Bytes of commands that may be proposed and not yet applied; beyond it clients are told BUSY. */
    static final long MAX_OPEN_PROPOSAL_BYTES = 256L << 20;

    /** Commands under way while writes are slowed down for a peer that catches up by a snapshot. */
    private static final int SLOWED_OPEN_PROPOSALS = 8;

    /** Committed entries that a follower keeps back until its next tick, at most. */
    static final int LAZY_ENTRIES = 2048;

    /** Reads served in one cycle. */
    private static final int READS_PER_CYCLE = 4096;

    /** The log writes its empty record when nothing was appended for this long. */
    private static final long IDLE_RECORD_DELAY_NS = 100_000_000L;

    /** How often the reader of ranges is told the time while scans are open. */
    private static final long CURSOR_CHECK_NS = 1_000_000_000L;

    private final int nodeId;
    private final MemberAddresses addresses;
    private final long tickNs;
    private final RaftCore core;
    private final Wal wal;
    private final DiskSpace space;
    private final WalRaftLog log;
    private final LogSyncAgent logSync;
    private final Wakeable logSyncWake;
    private final ApplyAgent apply;
    private final Wakeable applyWake;
    private final KvReader memoryReader;
    private final ReaderAgent slowReader;
    private final Wakeable slowReaderWake;
    private final RangeReaderAgent rangeReader;
    private final Wakeable rangeReaderWake;
    private final PeerTransport peers;
    private final PeerPublisher peerPublisher;
    private final PeerMessageAdapter peerAdapter;
    private final ClientTransport clients;
    private final ReplyPublisher replies;
    private final ClientRequestAdapter clientAdapter = new ClientRequestAdapter(this);
    private final EventLog events;
    private final Snapshots snapshots;
    private final LoopMetrics metrics;
    private final Counter storeBytes;
    private final Counter sessions;

    private final ReplySlots slots;
    private final PendingReads reads = new PendingReads();
    private final AppliedWaits waits;
    private final HandOver handOver;
    private final MembershipRequests membershipRequests;
    private final Belonging belonging;
    private final LongHashSet toldConnections = new LongHashSet();
    private final PendingReads.Handler serveRead = this::serve;
    private final PendingReads.Handler failRead = this::refuseNotLeader;
    private final AppliedWaits.Handler endWait = this::endWait;
    private final MessageHandler onResult = this::onResult;
    private final MessageHandler onRow = this::onRow;
    private final Snapshots.ReplyHandler checkpointReplies = new CheckpointReplies();
    private final MessageHandler onRangeReply = this::onRangeReply;

    private final boolean withLeases;
    private final LeaseClock leaseClock;
    private final LeaseGuard leaseGuard;
    private final RepairWatch repair;
    private final long readableFromIndex;
    private boolean membersChanged = true;
    private long toldCommittedMembershipIndex;
    private long nowNs;
    private long nextTickNs;
    private long nextCursorCheckNs;
    private long offeredIndex;
    /** A read was refused since the last hand-over, for what it needs is not applied yet. */
    private boolean askedForNewer;

    private long lastIndexAtTick;
    private long openBytes;
    private long lastAppendNs;
    private long lastAppendedPosition;
    private long takenDurablePosition;
    private boolean toldLowSpace;
    private boolean toldStalled;
    private boolean stopping;

    ConsensusAgent(final Replica.Parts parts, final long startNs) {
        final Replica.Config config = parts.config();
        final Replica.Surroundings around = parts.around();
        slots = new ReplySlots(config.capacities().openProposals());
        nodeId = config.raft().nodeId();
        addresses = config.addresses();
        tickNs = config.tickNs();
        wal = parts.wal();
        space = wal.sparePreparer().space();
        log = new WalRaftLog(wal, wal.newLoopCursor(), config.wallClockMs(), parts.startLogTimeMs(), addresses);
        logSync = parts.logSync();
        logSyncWake = around.logSyncWake();
        apply = parts.apply();
        applyWake = around.applyWake();
        memoryReader = parts.memoryReader();
        slowReader = parts.slowReader();
        slowReaderWake = around.slowReaderWake();
        rangeReader = parts.rangeReader();
        rangeReaderWake = around.rangeReaderWake();
        peers = around.peers();
        clients = around.clients();
        waits = new AppliedWaits(clients::isOpen);
        handOver = new HandOver(config.raft().electionMaxTicks(), this::endTransfer);
        events = around.events();
        membershipRequests = new MembershipRequests(addresses, this::endChange);
        belonging = new Belonging(nodeId, events);
        snapshots = around.snapshots();
        metrics = around.metrics().loop();
        storeBytes = around.metrics().storeBytes();
        sessions = around.metrics().sessions();
        replies = new ReplyPublisher(clients, metrics);
        peerPublisher = new PeerPublisher(peers, wal.newLoopCursor());
        nowNs = startNs;
        nextTickNs = startNs + tickNs;
        nextCursorCheckNs = startNs + CURSOR_CHECK_NS;
        log.now(startNs);
        withLeases = config.raft().leaseNs() > 0;
        leaseClock = around.leaseClock();
        leaseGuard = new LeaseGuard(config.raft().leaseNs(), tickNs, startNs, leaseClock.wallMs());
        final HardState hardState = logSync.durable();
        final AppliedConfiguration configuration = parts.configuration();
        core = new RaftCore(
                config.raft(),
                parts.startTerm(),
                parts.startTerm() == hardState.term() ? hardState.votedFor() : 0,
                hardState.sequence(),
                hardState.term(),
                apply.appliedIndex(),
                configuration.index(),
                configuration.index() == 0
                        ? Membership.of(config.raft().voters())
                        : log.takeMembership(configuration.payload()),
                hardState.repairing(),
                hardState.storageEpoch(),
                log,
                new Output(),
                around.jitter());
        peerAdapter = new PeerMessageAdapter(core, log, snapshots, handOver, belonging, events);
        peerPublisher.storage(hardState.storageEpoch(), hardState.repairing());
        repair = new RepairWatch(events, wal, config.raft().electionMaxTicks());
        offeredIndex = apply.appliedIndex();
        lastAppendedPosition = wal.appendedPosition();
        lastAppendNs = startNs;
        metrics.onStart(core.durableIndex(), core.appliedIndex());
        wal.observeRolls(around.metrics()::nowNs, this::onRoll);
        readableFromIndex = Math.min(wal.startCommitHint(), wal.appendedIndex());
    }

    private void onRoll(final long ns) {
        metrics.onRoll(ns);
        events.onLogRolled(wal.appendedIndex(), ns);
    }

    /**
     * One cycle.
     *
     * @param monotonicNs a clock that never goes back; its origin does not matter
     * @return how much was found to do; 0 = the caller may wait until {@link #nextTickNs} or a wake-up
     */
    public int doWork(final long monotonicNs) {
        nowNs = monotonicNs;
        log.now(monotonicNs);
        core.now(monotonicNs);
        if (withLeases && leaseGuard.hasJumped(monotonicNs, leaseClock.wallMs())) {
            core.voidLease();
        }
        tellMembers();
        int work = takeCompletions();
        work += peers.poll(peerAdapter);
        final int ticked = tick();
        work += ticked;
        work += clients.poll(clientAdapter, CLIENT_FRAMES_PER_CYCLE);
        core.flush();
        peerPublisher.flush();
        publishLog();
        work += offerCommitted(ticked > 0);
        work += reads.serve(core.appliedIndex(), READS_PER_CYCLE, serveRead);
        work += waits.end(core.appliedIndex(), nowNs, endWait);
        handOver.end(core);
        membershipRequests.end(core);
        clients.flush();
        metrics.onCycle(
                core.role() == Role.LEADER,
                core.lastIndex(),
                core.durableIndex(),
                core.commitIndex(),
                core.appliedIndex(),
                reads.lastReadId(),
                nowNs);
        return work;
    }

    /** When {@link #doWork} must be called again even if nothing arrives. */
    public long nextTickNs() {
        return nextTickNs;
    }

    /** True when frames of clients were left for the next cycle. */
    public boolean hasClientFrames() {
        return clients.hasFrames();
    }

    /** The network learns who the members are: at first, and whenever that is another answer. */
    private void tellMembers() {
        if (!membersChanged && core.committedMembershipIndex() == toldCommittedMembershipIndex) {
            return;
        }
        membersChanged = false;
        toldCommittedMembershipIndex = core.committedMembershipIndex();
        final int[] members = core.membership().members();
        addresses.members(members);
        metrics.peers(IntStream.of(members).filter(id -> id != nodeId).toArray());
        peers.members(new PeerSet(core.membershipIndex(), toldCommittedMembershipIndex, core.possibleMembers()));
    }

    // ---- completions ---------------------------------------------------------------------------------------------

    private int takeCompletions() {
        final HardState durable = logSync.durable();
        core.onHardStateDurable(durable.sequence(), durable.term());
        takenDurablePosition = wal.durablePosition();
        core.onLogDurable(takenDurablePosition);
        takeApplied(apply.appliedIndex());
        return apply.pollResults(onResult)
                + slowReader.pollResults(onRow)
                + rangeReader.pollReplies(onRangeReply)
                + snapshots.pollReplies(checkpointReplies);
    }

    private void takeApplied(final long appliedIndex) {
        if (openBytes > 0) {
            for (long index = core.appliedIndex() + 1; index <= appliedIndex; index++) {
                openBytes -= Math.min(openBytes, wal.entryLength(index));
            }
        }
        core.onApplied(appliedIndex);
    }

    private void onResult(final int type, final DirectBuffer buffer, final int offset, final int length) {
        final long index = buffer.getLong(offset + ApplyAgent.RESULT_INDEX_OFFSET);
        if (!slots.isWaiting(index)) {
            return;
        }
        final long connectionId = slots.connectionId(index);
        final long requestId = slots.requestId(index);
        slots.free(index);
        replies.commandReply(
                connectionId,
                requestId,
                buffer.getInt(offset + ApplyAgent.RESULT_STATUS_OFFSET),
                buffer.getLong(offset + ApplyAgent.RESULT_REVISION_OFFSET),
                buffer,
                offset + ApplyAgent.RESULT_BYTES_OFFSET,
                length - ApplyAgent.RESULT_BYTES_OFFSET);
    }

    private void onRow(final int type, final DirectBuffer buffer, final int offset, final int length) {
        final long connectionId = buffer.getLong(offset + ReaderAgent.CONNECTION_ID_OFFSET);
        final long requestId = buffer.getLong(offset + ReaderAgent.REQUEST_ID_OFFSET);
        if (type == ReaderAgent.ROW_MESSAGE) {
            replies.getReply(
                    connectionId,
                    requestId,
                    buffer,
                    offset + ReaderAgent.BYTES_OFFSET,
                    length - ReaderAgent.BYTES_OFFSET);
        } else if (type == ReaderAgent.NOT_FOUND_MESSAGE) {
            replies.getNotFound(connectionId, requestId);
        } else {
            final String text = buffer.getStringWithoutLengthUtf8(
                    offset + ReaderAgent.BYTES_OFFSET, length - ReaderAgent.BYTES_OFFSET);
            refuseRead(connectionId, requestId, Status.INTERNAL, text);
        }
    }

    private void refuseRead(final long connectionId, final long requestId, final Status status, final String text) {
        if (status == Status.INTERNAL) {
            events.onReadFailed(text);
        }
        refuse(connectionId, requestId, status, text);
    }

    private void onRangeReply(final int type, final DirectBuffer buffer, final int offset, final int length) {
        final long connectionId = buffer.getLong(offset + RangeReaderAgent.CONNECTION_ID_OFFSET);
        final long requestId = buffer.getLong(offset + RangeReaderAgent.REQUEST_ID_OFFSET);
        final int body = offset + RangeReaderAgent.BODY_OFFSET;
        if (type == RangeReaderAgent.REFUSAL_MESSAGE) {
            final String text = buffer.getStringWithoutLengthUtf8(
                    body + Short.BYTES, length - RangeReaderAgent.BODY_OFFSET - Short.BYTES);
            refuseRead(connectionId, requestId, Status.of(buffer.getShort(body, LITTLE_ENDIAN)), text);
        } else {
            replies.reply(connectionId, requestId, type, buffer, body, length - RangeReaderAgent.BODY_OFFSET);
        }
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    /** After a pause the ticks that were missed are not made up for: the messages of that time have not arrived either. */
    private int tick() {
        if (nowNs - nextTickNs < 0) {
            return 0;
        }
        nextTickNs = Math.max(nextTickNs + tickNs, nowNs + tickNs / 2);
        core.tick();
        handOver.onTick(core, hasRoom());
        belonging.onTick(core);
        peerPublisher.hasRoom(hasRoom());
        appendClock();
        dropLog();
        reportSpace();
        repair.onTick(core);
        publishLevels();
        rangeReader.yieldToCommands(core.lastIndex() != lastIndexAtTick);
        lastIndexAtTick = core.lastIndex();
        if (nowNs - nextCursorCheckNs >= 0) {
            nextCursorCheckNs = nowNs + CURSOR_CHECK_NS;
            if (rangeReader.offerTime(nowNs)) {
                rangeReaderWake.wake();
            }
        }
        return 1;
    }

    /** Whether a leader here would take writes of clients. */
    private boolean hasRoom() {
        return !space.isLow() && !apply.isStalled();
    }

    private void reportSpace() {
        final boolean low = space.isLow();
        if (low != toldLowSpace) {
            toldLowSpace = low;
            events.onDiskSpace(low, space.freeBytes(), space.reserveBytes());
        }
        final boolean stalled = apply.isStalled();
        if (stalled != toldStalled) {
            toldStalled = stalled;
            events.onApplyStalled(stalled, core.appliedIndex());
        }
    }

    /** Numbers that are looked at from outside, at the pace of ticks. */
    private void publishLevels() {
        metrics.level(Level.ROLE, ReplyPublisher.roleCode(core.role()));
        metrics.level(Level.TERM, core.currentTerm());
        metrics.level(Level.LEADER_ID, core.leaderId());
        metrics.level(Level.COMMIT_INDEX, core.commitIndex());
        metrics.level(Level.APPLIED_INDEX, core.appliedIndex());
        metrics.level(Level.LAST_INDEX, core.lastIndex());
        metrics.level(Level.DURABLE_INDEX, core.durableIndex());
        metrics.level(Level.FIRST_INDEX, wal.firstIndex());
        metrics.level(Level.LOG_BYTES, wal.bytesBehind(0));
        metrics.level(Level.DISK_FREE_BYTES, space.freeBytes());
        metrics.level(Level.DISK_LOW, toldLowSpace ? 1 : 0);
        metrics.level(Level.APPLY_STALLED, toldStalled ? 1 : 0);
        metrics.level(Level.REPAIRING, core.isRepairing() ? 1 : 0);
        metrics.level(Level.OPEN_PROPOSALS, slots.count());
        metrics.level(Level.OPEN_PROPOSAL_BYTES, openBytes);
        metrics.level(Level.COMMIT_RING_BYTES, apply.commitRingBytes());
        metrics.level(Level.RESULT_RING_BYTES, apply.resultRingBytes());
        metrics.level(Level.CLIENT_INBOX_BYTES, clients.waitingBytes());
        metrics.level(Level.PENDING_READS, reads.count());
        metrics.level(Level.APPLIED_WAITS, waits.count());
        metrics.level(Level.CLIENT_CONNECTIONS, clients.connectionCount());
        metrics.level(Level.LOG_SEGMENTS, wal.segmentCount());
        metrics.level(Level.SPARES_READY, wal.sparePreparer().readyCount());
        metrics.level(Level.SPARES_RECYCLED, wal.sparePreparer().recycledCount());
        final boolean leads = core.role() == Role.LEADER;
        final LoopMetrics.Peers known = metrics.peers();
        for (int i = 0; i < known.count(); i++) {
            known.matchIndex(i, leads ? core.matchIndex(known.id(i)) : 0);
        }
    }

    /** What a snapshot holds may go from the log, in whole segments and behind a kept tail. */
    private void dropLog() {
        final long newest = snapshots.newestIndex();
        snapshots.onLogSize(wal.firstIndex(), wal.bytesBehind(0), newest, wal.bytesBehind(newest));
        final long droppable = Math.min(snapshots.droppableIndex(), Math.min(core.appliedIndex(), core.durableIndex()));
        if (droppable <= core.baseIndex()) {
            return;
        }
        final long upToIndex = wal.prefixBehind(droppable, snapshots.keptLogBytes());
        final long before = core.baseIndex();
        core.truncatePrefix(upToIndex);
        if (core.baseIndex() > before) {
            events.onLogDropped(core.baseIndex() + 1);
        }
    }

    /**
     * The state machine learns the time from entries. When a session's expiry is due and nobody writes, an entry without
     * content brings it.
     */
    private void appendClock() {
        final long dueMs = apply.nextExpiryLogTimeMs();
        if (core.role() == Role.LEADER
                && log.lastLogTimeMs() < dueMs
                && log.logTimeMs() >= dueMs
                && !core.isBacklogFull()
                && wal.ensureRoom(EntryDescriptor.HEADER_LENGTH)) {
            core.propose(EntryType.CLOCK);
        }
    }

    // ---- clients -------------------------------------------------------------------------------------------------

    /** Each frame of a client, before it is looked at. */
    void countRequest(final int type, final int commandKind) {
        metrics.onRequest(type, commandKind);
    }

    void onCommand(
            final long connectionId,
            final long requestId,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        if (core.role() != Role.LEADER) {
            refuseNotLeader(connectionId, requestId);
        } else if (core.isBacklogFull()) {
            refuse(connectionId, requestId, Status.BUSY, "too much waits for a majority");
        } else if (core.transferTarget() != 0) {
            refuse(connectionId, requestId, Status.BUSY, "leadership is being handed over");
        } else if (stopping) {
            refuse(connectionId, requestId, Status.SHUTTING_DOWN, "this node stops");
        } else if (space.isLow()) {
            refuse(connectionId, requestId, Status.NO_SPACE, "the disk of the leader is nearly full");
        } else if (apply.isStalled()) {
            refuse(connectionId, requestId, Status.NO_SPACE, "the store of the leader has no room on its disk");
        } else if (!core.quorumHasRoom()) {
            refuse(connectionId, requestId, Status.NO_SPACE, "the disks of too many nodes are full");
        } else if (core.lastIndex() - core.appliedIndex() >= slots.capacity()
                || openBytes + length > MAX_OPEN_PROPOSAL_BYTES) {
            refuse(connectionId, requestId, Status.BUSY, "too many commands are under way");
        } else if (snapshots.slowsWrites() && core.lastIndex() - core.appliedIndex() >= SLOWED_OPEN_PROPOSALS) {
            refuse(connectionId, requestId, Status.BUSY, "writes are slowed down until a peer has caught up");
        } else if (!wal.ensureRoom(EntryDescriptor.HEADER_LENGTH + length)) {
            refuse(
                    connectionId,
                    requestId,
                    Status.NO_SPACE,
                    wal.holdsMostEntries()
                            ? "the log of the leader holds too many entries that no snapshot replaces"
                            : "the disk of the leader is full");
        } else {
            log.stage(buffer, offset, length);
            final long index = core.propose(EntryType.COMMAND);
            log.unstage();
            openBytes += wal.entryLength(index);
            slots.put(index, connectionId, requestId);
        }
    }

    /**
     * A read that must see every write acknowledged before: waits for its round, then for the state machine.
     *
     * @param type GET, MULTI_GET or SCAN
     * @param buffer the key of a GET, else the message's block and variable part
     */
    void onLinearizableRead(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        if (core.role() != Role.LEADER) {
            refuseNotLeader(connectionId, requestId);
            return;
        }
        final long readId = addRead(connectionId, requestId, type, minRevision, buffer, offset, length);
        if (readId != 0) {
            core.requestRead(readId);
        }
    }

    /**
     * A linearizable read without a round while the lease holds. The clock is read here, behind the arrival of the read:
     * at that moment nobody else can have committed anything, so what is committed now, and whatever is read later, is
     * fresh enough, however long the reply may take. Without a lease it goes the usual way.
     */
    void onLeaseRead(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        if (core.role() != Role.LEADER || !withLeases || !core.holdsLease(leaseClock.monotonicNs())) {
            onLinearizableRead(connectionId, requestId, type, minRevision, buffer, offset, length);
            return;
        }
        final long readId = addRead(connectionId, requestId, type, minRevision, buffer, offset, length);
        if (readId != 0) {
            reads.onConfirmed(readId, core.commitIndex());
            metrics.onReadsConfirmed(readId);
        }
    }

    /** A linearizable read here, whoever leads: a follower asks its leader for the read index. */
    void onFollowerRead(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        if (!belonging.serves(core)) {
            refuseNotLeader(connectionId, requestId);
            return;
        }
        if (core.role() != Role.LEADER && (core.role() != Role.FOLLOWER || core.leaderId() == 0)) {
            refuse(connectionId, requestId, Status.NOT_LEADER, "this node knows no leader that it could ask");
            return;
        }
        final long readId = addRead(connectionId, requestId, type, minRevision, buffer, offset, length);
        if (readId != 0) {
            core.requestRead(readId);
        }
    }

    /** Id of the read that waits now; 0 = it was refused, for too many wait. */
    private long addRead(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        final long readId = reads.add(connectionId, requestId, type, minRevision, buffer, offset, length);
        if (readId == 0) {
            refuse(connectionId, requestId, Status.BUSY, "too many reads wait");
        }
        return readId;
    }

    /** A read of what this node has applied; also that never goes back behind what it had served before a restart. */
    void onStaleRead(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        if (belonging.serves(core)) {
            serve(connectionId, requestId, type, Math.max(minRevision, readableFromIndex), buffer, offset, length);
        } else {
            refuseNotLeader(connectionId, requestId);
        }
    }

    private void serve(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        final long applied = core.appliedIndex();
        if (applied < minRevision) {
            askedForNewer = true;
            refuse(
                    connectionId,
                    requestId,
                    Status.NOT_CAUGHT_UP,
                    "applied index is " + applied + ", needed is " + minRevision);
        } else if (type == MessageType.GET) {
            serveGet(connectionId, requestId, buffer, offset, length);
        } else {
            onRangeRequest(connectionId, requestId, type, buffer, offset, length);
        }
    }

    private void serveGet(
            final long connectionId, final long requestId, final DirectBuffer key, final int offset, final int length) {
        final int rowLength;
        try {
            rowLength = memoryReader.get(key, offset, length, true);
        } catch (KvStoreException failure) {
            refuseRead(connectionId, requestId, Status.INTERNAL, String.valueOf(failure.getMessage()));
            return;
        }
        if (rowLength >= 0) {
            replies.getReply(connectionId, requestId, memoryReader.buffer(), 0, rowLength);
        } else if (rowLength == KvReader.NOT_FOUND) {
            replies.getNotFound(connectionId, requestId);
        } else if (slowReader.offer(connectionId, requestId, key, offset, length)) {
            slowReaderWake.wake();
        } else {
            refuse(connectionId, requestId, Status.BUSY, "too many reads wait for the disk");
        }
    }

    void onCheckpointOpen(final long connectionId, final long requestId) {
        if (!snapshots.open(connectionId, requestId)) {
            refuse(connectionId, requestId, Status.BUSY, "too many requests for checkpoints wait");
        }
    }

    void onCheckpointRead(
            final long connectionId,
            final long requestId,
            final long checkpointId,
            final int fileNumber,
            final long offset,
            final int maxBytes) {
        if (!snapshots.read(connectionId, requestId, checkpointId, fileNumber, offset, maxBytes)) {
            refuse(connectionId, requestId, Status.BUSY, "too many requests for checkpoints wait");
        }
    }

    /** Several keys, a range, or the next chunk of one: another thread reads them. */
    void onRangeRequest(
            final long connectionId,
            final long requestId,
            final int type,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        if (rangeReader.offer(type, connectionId, requestId, nowNs, buffer, offset, length)) {
            rangeReaderWake.wake();
        } else {
            refuse(connectionId, requestId, Status.BUSY, "too many reads of several keys wait");
        }
    }

    /** Longest request for {@link #onRangeRequest}, block and variable part, bytes. */
    int maxRangeRequestBytes() {
        return rangeReader.maxRequestBytes();
    }

    /** Any node: answers when it has applied the index. */
    void onWaitApplied(final long connectionId, final long requestId, final long index, final int timeoutMs) {
        if (core.appliedIndex() >= index) {
            replies.waitAppliedReply(connectionId, requestId, core.appliedIndex());
        } else if (!waits.add(connectionId, requestId, index, nowNs + TimeUnit.MILLISECONDS.toNanos(timeoutMs))) {
            refuse(connectionId, requestId, Status.BUSY, "too many requests wait for an index");
        }
    }

    private void endWait(final long connectionId, final long requestId, final long index, final boolean reached) {
        if (reached) {
            replies.waitAppliedReply(connectionId, requestId, core.appliedIndex());
        } else {
            refuse(
                    connectionId,
                    requestId,
                    Status.DEADLINE,
                    "applied index is " + core.appliedIndex() + ", waited for " + index);
        }
    }

    /** Answered when another node leads, or when that did not come about. */
    void onTransferLeader(final long connectionId, final long requestId, final int target, final int flags) {
        if (core.role() != Role.LEADER) {
            refuseNotLeader(connectionId, requestId);
        } else if ((flags & ~TransferLeaderDescriptor.FLAG_STEP_DOWN) != 0) {
            refuse(connectionId, requestId, Status.BAD_REQUEST, "flags " + flags + ", known is 1");
        } else if (handOver.isAwaited()) {
            refuse(connectionId, requestId, Status.BUSY, "leadership is being handed over already");
        } else if (target == nodeId) {
            onStatus(connectionId, requestId);
        } else {
            final TransferAnswer answer = (flags & TransferLeaderDescriptor.FLAG_STEP_DOWN) != 0
                    ? handOver.stepDown(core)
                    : handOver.start(core, target);
            if (answer == TransferAnswer.STARTED) {
                handOver.await(core, connectionId, requestId);
            } else {
                refuse(connectionId, requestId, Status.REFUSED, answer.text());
            }
        }
    }

    private void endTransfer(final long connectionId, final long requestId, final boolean done) {
        if (done) {
            onStatus(connectionId, requestId);
        } else {
            refuse(
                    connectionId,
                    requestId,
                    Status.REFUSED,
                    "nobody else took over in time: the target did not catch up, did not answer, or was not elected");
        }
    }

    /** Answered when the change is committed and one configuration holds; without changes, at once. */
    void onChangeMembership(final long connectionId, final long requestId, final List<MemberChange> changes) {
        if (core.role() != Role.LEADER) {
            refuseNotLeader(connectionId, requestId);
        } else if (changes.isEmpty()) {
            replies.membershipReply(connectionId, requestId, nodeId, core, addresses);
        } else if (stopping) {
            refuse(connectionId, requestId, Status.SHUTTING_DOWN, "this node stops");
        } else {
            final String refusal = membershipRequests.start(core, changes, connectionId, requestId);
            if (refusal != null) {
                refuse(connectionId, requestId, Status.REFUSED, refusal);
            }
        }
    }

    private void endChange(final long connectionId, final long requestId, final boolean done) {
        if (done) {
            replies.membershipReply(connectionId, requestId, nodeId, core, addresses);
        } else {
            refuse(
                    connectionId,
                    requestId,
                    Status.DEADLINE,
                    "leadership was lost while the change was under way: ask who the members are");
        }
    }

    void onStatus(final long connectionId, final long requestId) {
        replies.statusReply(connectionId, requestId, nodeId, core, apply.digest(), leaderAddress());
    }

    void onNodeDetails(final long connectionId, final long requestId) {
        final NodeDetails.Sizes sizes = new NodeDetails.Sizes(
                wal.bytesBehind(0),
                storeBytes.get(),
                snapshots.newestIndex(),
                sessions.get(),
                clients.connectionCount());
        replies.nodeDetailsReply(
                connectionId,
                requestId,
                NodeDetails.json(
                        nodeId,
                        core,
                        TimeUnit.NANOSECONDS.toMillis(tickNs),
                        addresses,
                        belonging.serves(core) ? "" : belonging.reason(core),
                        leaderAddress(),
                        apply.digest(),
                        sizes,
                        repair.lost()));
    }

    void refuse(final long connectionId, final long requestId, final Status status, final String text) {
        replies.error(connectionId, requestId, status, core.leaderId(), leaderAddress(), text);
    }

    private void refuseNotLeader(
            final long connectionId,
            final long requestId,
            final int type,
            final long minRevision,
            final DirectBuffer buffer,
            final int offset,
            final int length) {
        refuseNotLeader(connectionId, requestId);
    }

    private void refuseNotLeader(final long connectionId, final long requestId) {
        refuse(
                connectionId,
                requestId,
                Status.NOT_LEADER,
                belonging.serves(core) ? "this node does not lead" : belonging.reason(core));
    }

    /** Of the leader; while none is known, of the node that leadership went to. */
    private String leaderAddress() {
        final int leaderId = core.leaderId() != 0 ? core.leaderId() : handOver.successor(core);
        return addresses.client(leaderId != 0 ? leaderId : belonging.whoKnowsMore(core));
    }

    // ---- hand-overs ----------------------------------------------------------------------------------------------

    private void publishLog() {
        final long appended = wal.appendedPosition();
        if (appended != lastAppendedPosition) {
            lastAppendedPosition = appended;
            lastAppendNs = nowNs;
        } else if (nowNs - lastAppendNs >= IDLE_RECORD_DELAY_NS) {
            writeEmptyRecord();
        }
        if (core.isAllReleased()) {
            wal.publish();
        }
        logSync.awaitForce(core.awaitsOwnDisk(), takenDurablePosition);
        if (logSync.hasWork()) {
            logSyncWake.wake();
        }
    }

    /** Once at idleness and once at a clean stop: the log says by itself how far it is durable and committed. */
    private void writeEmptyRecord() {
        wal.onIdle(core.commitIndex());
        lastAppendedPosition = wal.appendedPosition();
        // Not written when a force is still under way: then it is tried again after another idle time.
        lastAppendNs = nowNs;
    }

    /** What nobody here waits for is applied at the next tick or when much has come: more rows in a write cost less each. */
    private int offerCommitted(final boolean ticked) {
        final long limit = core.applicableIndex();
        final boolean awaited = core.role() == Role.LEADER || reads.count() > 0 || waits.count() > 0 || askedForNewer;
        if (limit <= offeredIndex || !(awaited || ticked || limit - offeredIndex >= LAZY_ENTRIES)) {
            return 0;
        }
        if (!apply.offer(limit, core.term(limit), core.role() == Role.LEADER)) {
            return 0;
        }
        askedForNewer = false;
        offeredIndex = limit;
        applyWake.wake();
        return 1;
    }

    // ---- stop ----------------------------------------------------------------------------------------------------

    /**
     * Before a clean stop: a leader names its successor. To be called again until it says false; commands that come
     * meanwhile are refused as by a node that is busy.
     *
     * @return whether leadership is on its way, or its new holder not known yet
     */
    public boolean handOver() {
        return handOver.isUnderWayForStop(core);
    }

    /** First step of a clean stop: new commands are refused, those under way go on. */
    public void refuseNewCommands() {
        stopping = true;
    }

    /** True when nothing is under way here: all that was appended is durable, and what this node proposed is applied. */
    public boolean isDrained() {
        return !logSync.hasWork()
                && wal.durablePosition() == wal.appendedPosition()
                && (core.role() != Role.LEADER || core.appliedIndex() >= core.lastIndex());
    }

    /** Last step of a clean stop, behind the last cycle: what {@link LogSyncAgent#doWork} forces next ends the log. */
    public void endLog() {
        writeEmptyRecord();
        wal.publish();
    }

    public RaftCore core() {
        return core;
    }

    /** Answers of the thread that reads checkpoints, on their way to clients. */
    private final class CheckpointReplies implements Snapshots.ReplyHandler {
        @Override
        public void onOpened(
                final long connectionId, final long requestId, final Snapshots.Offer opened, final byte[] manifest) {
            replies.checkpointOpened(connectionId, requestId, opened, manifest);
        }

        @Override
        public void onChunk(final long connectionId, final long requestId, final long offset, final ByteBuffer bytes) {
            replies.checkpointChunk(connectionId, requestId, offset, bytes);
        }

        @Override
        public void onRefused(final long connectionId, final long requestId, final Status status, final String text) {
            refuse(connectionId, requestId, status, text);
        }
    }

    /** What the core wants done beyond the frames that the publisher writes. */
    private final class Output implements RaftOutput {
        @Override
        public void sendRequestVote(
                final int to,
                final long term,
                final boolean preVote,
                final boolean byTransfer,
                final long lastLogIndex,
                final long lastLogTerm) {
            peerPublisher.sendRequestVote(to, term, preVote, byTransfer, lastLogIndex, lastLogTerm);
        }

        @Override
        public void sendReadIndexRequest(final int to, final long term, final long requestId) {
            peerPublisher.sendReadIndexRequest(to, term, requestId);
        }

        @Override
        public void sendReadIndexReply(final int to, final long term, final long requestId, final long readIndex) {
            peerPublisher.sendReadIndexReply(to, term, requestId, readIndex);
        }

        @Override
        public void sendTimeoutNow(final int to, final long term) {
            peerPublisher.sendTimeoutNow(to, term);
        }

        @Override
        public void sendVote(
                final int to, final long term, final boolean preVote, final long requestTerm, final boolean granted) {
            peerPublisher.sendVote(to, term, preVote, requestTerm, granted);
        }

        @Override
        public void sendAppendEntries(
                final int to,
                final long term,
                final long prevLogIndex,
                final long prevLogTerm,
                final long lastIndex,
                final long commitIndex,
                final long readPosition) {
            peerPublisher.sendAppendEntries(to, term, prevLogIndex, prevLogTerm, lastIndex, commitIndex, readPosition);
        }

        @Override
        public void sendAppendEntriesAccepted(
                final int to,
                final long term,
                final long matchIndex,
                final long verifiedIndex,
                final long readPosition,
                final boolean full) {
            peerPublisher.sendAppendEntriesAccepted(to, term, matchIndex, verifiedIndex, readPosition, full);
        }

        @Override
        public void sendAppendEntriesRejected(
                final int to,
                final long term,
                final long prevLogIndex,
                final long conflictIndex,
                final long conflictTerm,
                final long readPosition) {
            peerPublisher.sendAppendEntriesRejected(to, term, prevLogIndex, conflictIndex, conflictTerm, readPosition);
        }

        @Override
        public void persistHardState(
                final long sequence, final long term, final int votedFor, final boolean repairing) {
            logSync.request(
                    new HardState(term, votedFor, repairing, logSync.durable().storageEpoch(), sequence));
        }

        @Override
        public void sendRepairTarget(final int to, final long term, final long storageEpoch, final long index) {
            peerPublisher.sendRepairTarget(to, term, storageEpoch, index);
        }

        @Override
        public void onRepairTarget(final long index) {
            events.onRepairTarget(index, core.lastIndex(), core.leaderId());
        }

        @Override
        public void onRepairDone() {
            peerPublisher.storage(core.storageEpoch(), false);
            events.onRepairDone(core.lastIndex());
        }

        @Override
        public void onCommitAdvanced(final long commitIndex) {
            // The watermark is read at the end of the cycle, see offerCommitted.
        }

        @Override
        public void onPeerNeedsSnapshot(final int peerId) {
            final Snapshots.Offer offer = snapshots.offerTo(peerId);
            if (offer != null) {
                peerPublisher.sendInstallSnapshot(peerId, core.currentTerm(), offer);
            }
        }

        @Override
        public void onReadsConfirmed(final long lastReadId, final long readIndex) {
            reads.onConfirmed(lastReadId, readIndex);
            metrics.onReadsConfirmed(lastReadId);
        }

        @Override
        public void onReadsFailed() {
            reads.failAll(failRead);
            metrics.onReadsFailed(reads.lastReadId());
        }

        @Override
        public void onMembershipChanged(final long index, final Membership membership) {
            membersChanged = true;
            events.onMembershipChanged(index, membership);
        }

        @Override
        public void onRoleChanged(final Role role, final long term, final int leaderId, final String reason) {
            if (role == Role.LEADER) {
                log.onLeaderStart();
            } else {
                tellWaitingConnections();
            }
            metrics.onRole(ReplyPublisher.roleCode(role), core.lastIndex());
            events.onRoleChanged(role, term, leaderId, reason);
        }

        /** Leadership is lost: what was proposed here may commit or not; clients send the same sequences to the next leader. */
        private void tellWaitingConnections() {
            openBytes = 0;
            toldConnections.clear();
            slots.clear(toldConnections);
            final LongHashSet.LongIterator connections = toldConnections.iterator();
            while (connections.hasNext()) {
                refuse(
                        connections.nextValue(),
                        FrameHeader.CONNECTION_REQUEST_ID,
                        Status.NOT_LEADER,
                        "leadership was lost: the outcome of what is in flight is not known");
            }
        }
    }
}
