package dev.cairn.raft.quorum;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MajorityQuorumTest {
    @Test
    void theSizeIsMoreThanHalf() {
        int[] expected = {1, 2, 2, 3, 3, 4, 4};
        for (int voters = 1; voters <= expected.length; voters++) {
            assertThat(new MajorityQuorum(voters).size()).isEqualTo(expected[voters - 1]);
        }
    }

    /** All 5^n vectors of small values: a majority has reached the result, and no majority has reached more. */
    @Test
    void theResultIsTheHighestValueThatAMajorityReached() {
        for (int voters = 1; voters <= 5; voters++) {
            MajorityQuorum quorum = new MajorityQuorum(voters);
            long[] reached = new long[voters];
            for (int code = 0; code < Math.pow(5, voters); code++) {
                for (int i = 0, rest = code; i < voters; i++, rest /= 5) {
                    reached[i] = rest % 5;
                }
                long[] before = reached.clone();
                long result = quorum.reachedByMajority(reached);
                assertThat(reached).isEqualTo(before);
                assertThat(count(reached, result)).isGreaterThanOrEqualTo(quorum.size());
                assertThat(count(reached, result + 1)).isLessThan(quorum.size());
            }
        }
    }

    private static int count(long[] reached, long bound) {
        return (int) Arrays.stream(reached).filter(value -> value >= bound).count();
    }

    @Test
    void otherNumbersOfValuesAreRefused() {
        assertThatThrownBy(() -> new MajorityQuorum(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new MajorityQuorum(3).reachedByMajority(new long[2]))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
