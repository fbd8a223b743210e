package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.raft.Role;
import dev.cairn.server.metrics.NodeMetrics;
import dev.cairn.server.metrics.ReplicaMetrics;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.Floor;
import dev.cairn.wal.HardState;
import dev.cairn.wal.HardStateFile;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.Wal;
import dev.cairn.wal.WalConfig;
import dev.cairn.wal.simulated.SimulatedDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A disk that takes long is counted and told, and does not flood the log. */
@Tag("O05")
class SlowForcesTest {
    private static final long LIMIT_NS = TimeUnit.MILLISECONDS.toNanos(100);

    private final List<String> told = new ArrayList<>();
    private final EventLog events = new EventLog() {
        @Override
        public void onRoleChanged(Role role, long term, int leaderId, String reason) {}

        @Override
        public void onSlowForce(String what, long ms, long bytes, String position, long untold) {
            told.add(what + " ms=" + ms + " bytes=" + bytes + " durable=" + position + " untold=" + untold);
        }

        @Override
        public void onBadPeerFrame(int peerId, String reason) {}
    };

    /** Each reading of the clock is this much later than the one before. */
    private long stepNs;

    private long nowNs;
    private final ReplicaMetrics metrics = new ReplicaMetrics(() -> nowNs += stepNs);
    private final Wal wal;
    private final LogSyncAgent agent;

    SlowForcesTest() {
        WalConfig config = WalConfig.of(1, 1, 1).withSegmentBytes(WalConfig.MIN_SEGMENT_BYTES);
        SimulatedDirectory directory = new SimulatedDirectory();
        HardStateFile hardState = HardStateFile.open(config, directory, "hard-state");
        wal = Wal.open(config, directory, hardState, Floor.EMPTY, new SplittableRandom(1)::nextLong);
        agent = new LogSyncAgent(
                wal, hardState, hardState.current(), () -> {}, new SlowForces(LIMIT_NS, events, metrics), metrics);
    }

    private void appendAndForce(long forceNs) {
        long index = wal.appendedIndex() + 1;
        wal.append(index, 1, 1, EntryDescriptor.TYPE_COMMAND, new UnsafeBuffer(new byte[100]), 0, 100);
        wal.publish();
        stepNs = forceNs;
        assertThat(agent.doWork()).isEqualTo(1);
    }

    private String scrape() {
        return new NodeMetrics(1, "slow", "1", metrics).scrape();
    }

    @Test
    void aForceUpToTheLimitIsNotSlow() {
        appendAndForce(LIMIT_NS);
        assertThat(told).isEmpty();
        assertThat(scrape()).contains("cairn_log_slow_forces_total 0.0\n");
    }

    @Test
    void aSlowForceIsToldWithItsNumbers() {
        long before = wal.durablePosition();
        appendAndForce(LIMIT_NS + 1_000_000);
        assertThat(told)
                .containsExactly("log ms=101 bytes=" + (wal.durablePosition() - before) + " durable="
                        + LogPosition.toString(wal.durablePosition()) + " untold=0");
        assertThat(scrape()).contains("cairn_log_slow_forces_total 1.0\n");
    }

    @Test
    void manySlowForcesAreAllCountedAndToldOnceInAWhile() {
        for (int i = 0; i < 100; i++) {
            appendAndForce(TimeUnit.MILLISECONDS.toNanos(500));
        }
        assertThat(scrape()).contains("cairn_log_slow_forces_total 100.0\n");
        // A force reads the clock twice, so it is one second from one to the next.
        assertThat(told).hasSize(10).allMatch(line -> line.startsWith("log ms=500 "));
        assertThat(told.get(0)).endsWith(" untold=0");
        assertThat(told.subList(1, 10)).allMatch(line -> line.endsWith(" untold=9"));
    }

    @Test
    void aSlowWriteOfTheHardStateIsToldToo() {
        agent.request(new HardState(7, 1, false, 0, 100));
        stepNs = TimeUnit.SECONDS.toNanos(2);
        assertThat(agent.doWork()).isEqualTo(1);
        assertThat(told)
                .containsExactly("hard-state ms=2000 bytes=72 durable=" + LogPosition.toString(wal.durablePosition())
                        + " untold=0");
    }
}
