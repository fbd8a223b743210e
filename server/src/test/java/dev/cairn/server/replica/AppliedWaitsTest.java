package dev.cairn.server.replica;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R21")
class AppliedWaitsTest {
    private final Set<Long> closed = new HashSet<>();
    private final AppliedWaits waits = new AppliedWaits(connectionId -> !closed.contains(connectionId));
    private final List<String> ended = new ArrayList<>();

    private int end(final long appliedIndex, final long nowNs) {
        return waits.end(
                appliedIndex,
                nowNs,
                (connectionId, requestId, index, reached) -> ended.add(requestId + (reached ? " reached" : " late")));
    }

    @Test
    void waitEndsWhenItsIndexIsApplied() {
        waits.add(1, 10, 100, 1_000);
        waits.add(1, 11, 101, 1_000);

        assertThat(end(99, 0)).isZero();
        assertThat(end(100, 0)).isEqualTo(1);
        assertThat(end(101, 0)).isEqualTo(1);
        assertThat(ended).containsExactly("10 reached", "11 reached");
    }

    @Test
    void waitEndsAtItsDeadlineAlsoWhenLaterOnesCameFirst() {
        waits.add(1, 10, 100, 2_000);
        waits.add(1, 11, 100, 1_000);

        assertThat(end(0, 999)).isZero();
        assertThat(end(0, 1_000)).isEqualTo(1);
        assertThat(end(0, 1_999)).isZero();
        assertThat(end(0, 2_000)).isEqualTo(1);
        assertThat(ended).containsExactly("11 late", "10 late");
    }

    @Test
    void oneWaitTooManyIsRefused() {
        for (int i = 0; i < AppliedWaits.MAX_WAITS; i++) {
            assertThat(waits.add(1, i, 100, 1_000)).isTrue();
        }

        assertThat(waits.add(1, -1, 100, 1_000)).isFalse();
        assertThat(end(100, 0)).isEqualTo(AppliedWaits.MAX_WAITS);
        assertThat(waits.add(1, -1, 100, 1_000)).isTrue();
    }

    @Test
    void waitsOfAConnectionThatIsGoneMakeRoom() {
        waits.add(2, 10, 100, 5_000);
        for (int i = 1; i < AppliedWaits.MAX_WAITS; i++) {
            waits.add(1, i, 99, 1_000);
        }
        assertThat(waits.add(2, 11, 101, 1_000)).isFalse();
        closed.add(1L);
        assertThat(waits.add(2, 11, 101, 1_000)).isTrue();

        assertThat(waits.count()).isEqualTo(2);
        assertThat(end(100, 0)).isEqualTo(1);
        assertThat(end(101, 0)).isEqualTo(1);
        assertThat(ended).containsExactly("10 reached", "11 reached");
    }
}
