package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What makes the clock of leases doubtful. */
class LeaseGuardTest {
    private static final long MS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long TICK_NS = 10 * MS;
    private static final long LEASE_NS = 400 * MS;

    private final LeaseGuard guard = new LeaseGuard(LEASE_NS, TICK_NS, 5 * MS, 1_000_000);

    /** The documented length: two ticks and a fifth are missing to the shortest election timeout. */
    @Test
    void aLeaseIsShorterThanTheElectionTimeoutByTicksAndDrift() {
        assertThat(LeaseGuard.leaseNs(50, TICK_NS)).isEqualTo(384 * MS);
        assertThat(LeaseGuard.leaseNs(3, TICK_NS)).isEqualTo(8 * MS);
        assertThat(LeaseGuard.leaseNs(2, TICK_NS)).isZero();
    }

    @Test
    void cyclesAtTheUsualPaceAreNoJump() {
        for (int i = 1; i <= 1_000; i++) {
            assertThat(guard.hasJumped(5 * MS + i * TICK_NS, 1_000_000 + 10L * i))
                    .isFalse();
        }
    }

    @Test
    void aCycleThatIsMissedIsOne() {
        assertThat(guard.hasJumped(105 * MS, 1_000_100))
                .as("a quarter of a lease")
                .isFalse();
        assertThat(guard.hasJumped(206 * MS, 1_000_201)).isTrue();
        assertThat(guard.hasJumped(216 * MS, 1_000_211)).isFalse();
    }

    /** The one says that the host stood still, or the other that somebody set it: either way one of them is wrong. */
    @Test
    void clocksThatDisagreeAreOne() {
        assertThat(guard.hasJumped(15 * MS, 1_000_060)).as("50 ms more").isFalse();
        assertThat(guard.hasJumped(25 * MS, 1_000_121)).as("51 ms more").isTrue();
        assertThat(guard.hasJumped(35 * MS, 1_000_131)).isFalse();
        assertThat(guard.hasJumped(45 * MS, 990_000)).isTrue();
    }
}
