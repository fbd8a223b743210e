package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameHeader;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.Status;
import dev.cairn.raft.RaftConfig;
import dev.cairn.raft.Role;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Set;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A leader and a follower over frames that pass from hand to hand: which completions wake whom, and when a follower applies. */
class FollowerTest {
    @TempDir
    private Path directory;

    private final Link toLeader = new Link(2);
    private final Link toFollower = new Link(1);
    private final SimulatedDirectory followersDisk = new SimulatedDirectory();
    private boolean leadersStoreIsFull;
    private int leaderWakes;
    private long session;
    private long sequence;
    private OneReplica leader;
    private OneReplica follower;

    @BeforeEach
    void start() {
        leader = new OneReplica(
                OneReplica.openStore(directory.resolve("1"), () -> leadersStoreIsFull),
                new SimulatedDirectory(),
                RaftConfig.of(1, Set.of(1, 2), 10, 50, 60).withLingerNs(OneReplica.TICK_NS / 2),
                new Linked(toLeader, toFollower),
                () -> leaderWakes++);
        follower = new OneReplica(
                OneReplica.openStore(directory.resolve("2")),
                followersDisk,
                RaftConfig.of(2, Set.of(1, 2), 10, 50, 10_000),
                new Linked(toFollower, toLeader),
                () -> {});
        for (int i = 0; i < 1000 && leader.core().commitIndex() == 0; i++) {
            exchange(OneReplica.TICK_NS);
        }
        assertThat(leader.core().role()).isEqualTo(Role.LEADER);
        leader.client.request(0, 0, CommandDescriptor.KIND_OPEN_SESSION, "", 0);
        exchange(0);
        session = leader.core().appliedIndex();
        for (int i = 0; i < 1000 && follower.core().appliedIndex() < session; i++) {
            exchange(OneReplica.TICK_NS);
        }
        assertThat(follower.core().appliedIndex()).isEqualTo(session);
    }

    @AfterEach
    void stop() {
        leader.close();
        follower.close();
    }

    /** Everything that there is to do within this time of both clocks. */
    private void exchange(final long ns) {
        leader.pass(ns);
        follower.pass(ns);
        while (!toLeader.frames.isEmpty() || !toFollower.frames.isEmpty()) {
            leader.pass(0);
            follower.pass(0);
        }
    }

    private void put() {
        leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
        exchange(0);
        assertThat(leader.client.replies).isEqualTo((int) sequence + 1);
        assertThat(Status.of(leader.client.status)).isEqualTo(Status.OK);
    }

    /** The second brings the commit of the first, in the same tick of the follower. */
    private void putTwice() {
        put();
        put();
        assertThat(follower.core().commitIndex()).isEqualTo(session + 1);
        assertThat(follower.core().appliedIndex()).isEqualTo(session);
    }

    @Test
    void aFollowerAppliesWithItsNextTick() {
        putTwice();
        follower.pass(OneReplica.TICK_NS);
        assertThat(follower.core().appliedIndex()).isEqualTo(session + 1);
    }

    @Test
    void aReadDoesNotWaitForTheTick() {
        putTwice();
        follower.client.requestGet("k", GetDescriptor.READ_FOLLOWER);
        exchange(0);
        assertThat(follower.client.replies).isEqualTo(1);
        assertThat(Status.of(follower.client.status)).isEqualTo(Status.OK);
        assertThat(follower.core().appliedIndex()).isEqualTo(session + 2);
    }

    @Test
    void whoMissesARevisionFindsItAtOnceTheNextTime() {
        putTwice();
        follower.client.requestStaleGet("k", session + 1);
        exchange(0);
        assertThat(Status.of(follower.client.status)).isEqualTo(Status.NOT_CAUGHT_UP);
        follower.client.requestStaleGet("k", session + 1);
        exchange(0);
        assertThat(follower.client.replies).isEqualTo(2);
        assertThat(Status.of(follower.client.status)).isEqualTo(Status.OK);
    }

    @Test
    void muchIsAppliedBeforeTheTick() {
        for (int i = 0; i <= ConsensusAgent.LAZY_ENTRIES; i++) {
            put();
        }
        assertThat(follower.core().appliedIndex()).isEqualTo(session + ConsensusAgent.LAZY_ENTRIES);
    }

    /** Its own disk has room: but what only it can store would wait for ever. */
    @Test
    @Tag("W12")
    void aLeaderRefusesWhatNoMajorityHasRoomFor() {
        followersDisk.freeBytes(0);
        Status last = Status.OK;
        for (int i = 0; i < 200 && last == Status.OK; i++) {
            leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 64 * 1024);
            exchange(OneReplica.TICK_NS);
            last = Status.of(leader.client.status);
        }
        assertThat(last).isEqualTo(Status.NO_SPACE);
        final long appended = leader.core().lastIndex();
        for (int i = 0; i < 20; i++) {
            leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
            exchange(OneReplica.TICK_NS);
            assertThat(Status.of(leader.client.status)).isEqualTo(Status.NO_SPACE);
        }
        assertThat(leader.core().lastIndex()).as("nothing was appended").isEqualTo(appended);

        followersDisk.freeBytes(64 << 20);
        for (int i = 0; i < 1000 && last == Status.NO_SPACE; i++) {
            leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
            exchange(OneReplica.TICK_NS);
            last = Status.of(leader.client.status);
        }
        assertThat(last).isEqualTo(Status.OK);
    }

    /** It could not answer a write for as long as its store finds no room. */
    @Test
    @Tag("W12")
    void aLeaderWithoutRoomInItsStoreHandsOver() {
        leadersStoreIsFull = true;
        leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
        for (int i = 0; i < 1000 && follower.core().role() != Role.LEADER; i++) {
            exchange(OneReplica.TICK_NS);
        }
        assertThat(follower.core().role()).isEqualTo(Role.LEADER);
        leadersStoreIsFull = false;
        exchange(OneReplica.TICK_NS);
        assertThat(leader.core().appliedIndex()).isEqualTo(session + 1);
    }

    /** What waits for the group before it must not have a force of its own here either. */
    @Test
    void whatDoesNotLeaveYetIsNotForcedYet() {
        for (int i = 0; i < 3; i++) {
            leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
            leader.pass(0);
            assertThat(leader.core().durableIndex()).isEqualTo(session + 1);
        }
        assertThat(leader.core().lastIndex()).isEqualTo(session + 3);
        exchange(0);
        assertThat(leader.client.replies).isEqualTo(4);
        assertThat(leader.core().durableIndex()).isEqualTo(session + 3);
    }

    /** The follower's answer brings the commit; before it the end of a force here changes nothing. */
    @Test
    void aForceWakesALeaderOnlyWhereSomethingFollows() {
        leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
        leader.replica.consensus().doWork(leader.nowNs());
        leaderWakes = 0;
        leader.replica.logSync().doWork();
        assertThat(leaderWakes).isZero();
        exchange(0);
        assertThat(leader.client.replies).isEqualTo(2);

        leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
        leader.replica.consensus().doWork(leader.nowNs());
        follower.pass(0);
        leader.replica.consensus().doWork(leader.nowNs());
        assertThat(leader.core().commitIndex()).isLessThan(leader.core().lastIndex());
        leaderWakes = 0;
        leader.replica.logSync().doWork();
        assertThat(leaderWakes).isEqualTo(1);
    }

    /** The force ended while the loop was at work: nobody else would wake it. */
    @Test
    void aForceThatEndedBeforeItWasAwaitedWakesTheLoop() {
        leader.client.request(session, ++sequence, CommandDescriptor.KIND_PUT, "k", 1);
        leader.replica.consensus().doWork(leader.nowNs());
        final LogSyncAgent logSync = leader.replica.logSync();
        final long takenPosition = leader.replica.wal().durablePosition();
        logSync.doWork();
        leaderWakes = 0;
        logSync.awaitForce(true, takenPosition);
        assertThat(leaderWakes).isEqualTo(1);
        logSync.awaitForce(false, takenPosition);
        logSync.awaitForce(true, leader.replica.wal().durablePosition());
        assertThat(leaderWakes).isEqualTo(1);
    }

    /** Frames on their way to one node, all from the other. */
    private static final class Link {
        final ArrayDeque<UnsafeBuffer> frames = new ArrayDeque<>();
        final int from;

        Link(final int from) {
            this.from = from;
        }
    }

    private record Linked(Link in, Link out, ExpandableArrayBuffer claimed) implements PeerTransport {
        Linked(final Link in, final Link out) {
            this(in, out, new ExpandableArrayBuffer());
        }

        @Override
        public int poll(final PeerTransport.Handler handler) {
            int work = 0;
            for (UnsafeBuffer frame = in.frames.poll(); frame != null; frame = in.frames.poll()) {
                handler.onPeerFrame(in.from, frame, 0, frame.capacity());
                work++;
            }
            return work;
        }

        @Override
        public MutableDirectBuffer claim(final int length) {
            claimed.setMemory(0, length, (byte) 0);
            return claimed;
        }

        @Override
        public void sendRequest(final int peerId) {
            final byte[] frame = new byte[claimed.getInt(FrameHeader.LENGTH_OFFSET, LITTLE_ENDIAN)];
            claimed.getBytes(0, frame);
            out.frames.add(new UnsafeBuffer(frame));
        }

        @Override
        public void sendReply(final int peerId) {
            sendRequest(peerId);
        }

        @Override
        public void flush() {}
    }
}
