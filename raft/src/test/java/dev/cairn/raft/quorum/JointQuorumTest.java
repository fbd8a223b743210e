package dev.cairn.raft.quorum;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class JointQuorumTest {
    @Test
    void withOneConfigurationItIsThatOnesMajority() {
        JointQuorum quorum = new JointQuorum(new int[] {0, 2, 3}, new int[0]);
        assertThat(quorum.reached(new long[] {7, 99, 5, 1}))
                .as("place 1 is no voter")
                .isEqualTo(5);
    }

    @Test
    void twoConfigurationsDecideTogether() {
        JointQuorum quorum = new JointQuorum(new int[] {0, 3, 4}, new int[] {0, 1, 2});
        assertThat(quorum.reached(new long[] {9, 9, 9, 0, 0})).isZero();
        assertThat(quorum.reached(new long[] {9, 0, 0, 9, 9})).isZero();
        assertThat(quorum.reached(new long[] {9, 4, 0, 6, 0})).isEqualTo(4);
        assertThat(quorum.reached(new long[] {0, 4, 5, 6, 7})).isEqualTo(4);
    }

    @Test
    void nobodyDecidesNothing() {
        assertThat(new JointQuorum(new int[0], new int[0]).reached(new long[] {5, 5}))
                .isZero();
        assertThatThrownBy(() -> new JointQuorum(new int[0], new int[] {1}))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void itAgreesWithCounting() {
        String given = System.getProperty("seed", "");
        long seed = given.isEmpty() ? ThreadLocalRandom.current().nextLong(1L << 40) : Long.parseLong(given);
        System.out.println("seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int run = 0; run < 3000; run++) {
            int members = 1 + random.nextInt(9);
            int[] incoming = choose(random, members, 1);
            int[] outgoing = choose(random, members, 0);
            long[] reached = random.longs(members, 0, 5).toArray();
            long expected = 0;
            for (long value = 1; value < 5; value++) {
                if (majority(incoming, reached, value)
                        && (outgoing.length == 0 || majority(outgoing, reached, value))) {
                    expected = value;
                }
            }
            assertThat(new JointQuorum(incoming, outgoing).reached(reached))
                    .as("%s %s %s", Arrays.toString(incoming), Arrays.toString(outgoing), Arrays.toString(reached))
                    .isEqualTo(expected);
        }
    }

    private static int[] choose(SplittableRandom random, int members, int atLeast) {
        int[] chosen = new int[members];
        int count = 0;
        for (int i = 0; i < members; i++) {
            if (random.nextBoolean() || (count < atLeast && i == members - 1)) {
                chosen[count++] = i;
            }
        }
        return Arrays.copyOf(chosen, count);
    }

    private static boolean majority(int[] places, long[] reached, long value) {
        return 2
                        * Arrays.stream(places)
                                .filter(place -> reached[place] >= value)
                                .count()
                > places.length;
    }
}
