package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.MemberChange;
import dev.cairn.raft.EntryType;
import dev.cairn.raft.Membership;
import dev.cairn.raft.MembershipChange.AddLearner;
import dev.cairn.raft.RaftCore;
import dev.cairn.raft.Role;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One replica over its own log and store: the configuration outlives a restart, from the log or from the store. */
@Covers("R28")
class MembershipReplicaTest {
    @TempDir
    Path directory;

    private final SimulatedDirectory root = new SimulatedDirectory();
    private final SimulatedDirectory segments = new SimulatedDirectory();
    private final List<String> told = new ArrayList<>();
    private final List<String> peerSets = new ArrayList<>();
    private OneReplica it;

    @BeforeEach
    void start() {
        it = new OneReplica(
                directory,
                root,
                segments,
                WalConfig.of(1, 1, 1).withSegmentBytes(1 << 20),
                new DeafPeers(),
                new NoClients(),
                new Told());
    }

    @AfterEach
    void stop() {
        it.close();
    }

    private RaftCore core() {
        return it.core();
    }

    private void pass() {
        it.pass(OneReplica.TICK_NS);
    }

    private long addLearner() {
        it.lead();
        assertThat(core().changeMembership(List.of(new AddLearner(7)))).isNull();
        pass();
        assertThat(core().appliedIndex()).isEqualTo(core().membershipIndex());
        return core().membershipIndex();
    }

    @Test
    void aConfigurationIsAnEntryOfTheLogAndIsTold() {
        final long index = addLearner();
        assertThat(it.replica.wal().entryType(index)).isEqualTo(EntryType.CONFIG);
        assertThat(core().membership()).hasToString("voters=[1] learners=[7]");
        assertThat(told).containsExactly(index + " voters=[1] learners=[7]");
    }

    /** The store comes back empty, so that the entry stands above what is applied. */
    @Test
    void aRestartFindsTheConfigurationInTheLog() {
        final long index = addLearner();
        stop();
        directory = directory.resolve("empty");
        start();
        assertThat(core().appliedIndex()).isZero();
        assertThat(core().membership()).hasToString("voters=[1] learners=[7]");
        assertThat(core().membershipIndex()).isEqualTo(index);
        it.lead();
        assertThat(core().isMembershipChanging()).isFalse();
    }

    /** Nothing of the log from the entry on is looked at: the store knows it, and its index. */
    @Test
    void aRestartBehindTheEntryFindsTheConfigurationInTheStore() {
        final long index = addLearner();
        it.store.flush();
        stop();
        start();
        assertThat(core().appliedIndex()).isEqualTo(index);
        assertThat(core().membership()).hasToString("voters=[1] learners=[7]");
        assertThat(core().membershipIndex()).isEqualTo(index);
    }

    /** The address comes from the operator, goes into the entry, and a restart reads it there. */
    @Test
    void addressesStandInTheEntryAndOutliveARestart() {
        it.lead();
        it.replica.consensus().onChangeMembership(1, 1, List.of(MemberChange.addLearner(7, "h7:1:2:3")));
        pass();
        assertThat(it.addresses.client(7)).isEqualTo("h7:2");
        assertThat(it.addresses.members()).containsExactly(1, 7);
        it.store.flush();
        stop();
        start();
        assertThat(core().membership()).hasToString("voters=[1] learners=[7]");
        assertThat(it.addresses.text(1)).isEqualTo("127.0.0.1:1:2");
        assertThat(it.addresses.text(7)).isEqualTo("h7:1:2:3");
    }

    /** Until its removal is committed it may have to be talked with. */
    @Test
    void theNetworkIsToldOfARemovalWhenItIsCommitted() {
        final long added = addLearner();
        it.replica.consensus().onChangeMembership(1, 1, List.of(MemberChange.remove(7)));
        pass();
        pass();
        assertThat(peerSets)
                .containsSubsequence(
                        "0 0 [1]",
                        added + " 0 [1, 7]",
                        added + " " + added + " [1, 7]",
                        (added + 1) + " " + added + " [1, 7]",
                        (added + 1) + " " + (added + 1) + " [1]");
    }

    @Test
    void theAddressOfARefusedChangeIsForgotten() {
        it.lead();
        it.replica
                .consensus()
                .onChangeMembership(1, 1, List.of(MemberChange.addLearner(7, "h7:1:2"), MemberChange.promote(9)));
        pass();
        assertThat(core().membershipIndex()).isZero();
        assertThat(it.addresses.text(7)).isEmpty();
    }

    @Test
    void whoWasToldThatItIsOutServesUntilAConfigurationSaysOtherwise() {
        final List<String> outside = new ArrayList<>();
        final Belonging belonging = new Belonging(1, new Told() {
            @Override
            public void onOutside(final String reason) {
                outside.add(reason);
            }
        });
        pass();
        assertThat(belonging.serves(core())).isTrue();
        belonging.onRefused(3, 50);
        assertThat(belonging.serves(core())).isFalse();
        assertThat(belonging.whoKnowsMore(core())).isEqualTo(3);
        belonging.onRefused(4, 40);
        assertThat(belonging.whoKnowsMore(core())).as("by the later one").isEqualTo(3);
        belonging.onTick(core());
        belonging.onTick(core());
        assertThat(outside).containsExactly("node 1 was removed from the cluster by the configuration at index 50");
        it.lead();
        assertThat(belonging.serves(core())).as("a leader").isTrue();
        final Belonging stranger = new Belonging(5, new Told());
        core().stepDown();
        assertThat(stranger.whoKnowsMore(core()))
                .as("a voter of the last configuration")
                .isEqualTo(1);
        assertThat(stranger.reason(core()))
                .isEqualTo("node 5 is no member of the cluster by the configuration at index 0");
    }

    private class Told implements EventLog {
        @Override
        public void onRoleChanged(final Role role, final long term, final int leaderId, final String reason) {}

        @Override
        public void onMembershipChanged(final long index, final Membership membership) {
            told.add(index + " " + membership);
        }

        @Override
        public void onBadPeerFrame(final int peerId, final String reason) {
            throw new AssertionError(reason);
        }
    }

    /** Whatever is sent to them is lost. */
    private final class DeafPeers implements PeerTransport {
        private final ExpandableArrayBuffer frame = new ExpandableArrayBuffer();

        @Override
        public void members(final PeerSet members) {
            peerSets.add(members.index() + " " + members.committedIndex() + " " + Arrays.toString(members.members()));
        }

        @Override
        public int poll(final PeerTransport.Handler handler) {
            return 0;
        }

        @Override
        public MutableDirectBuffer claim(final int length) {
            return frame;
        }

        @Override
        public void sendRequest(final int peerId) {
            assertThat(peerId).isEqualTo(7);
        }

        @Override
        public void sendReply(final int peerId) {
            throw new AssertionError("a leader answers nobody");
        }

        @Override
        public void flush() {}
    }

    private static final class NoClients implements ClientTransport {
        @Override
        public int poll(final ClientTransport.Handler handler, final int limit) {
            return 0;
        }

        @Override
        public boolean hasFrames() {
            return false;
        }

        @Override
        public @Nullable MutableDirectBuffer claim(final long connectionId, final int length) {
            return null;
        }

        @Override
        public void send() {}

        @Override
        public void flush() {}
    }
}
