package dev.cairn.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.cairn.covers.Covers;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reads by lease under random troubles; {@code -Dseed=N} replays one run. */
class LeaseClusterTest {
    private static final int SEEDS = 200;

    /** Several times what each mistake needs. */
    private static final int SEEDS_FOR_A_MISTAKE = 300;

    @Test
    @Covers("R20")
    void noReadByLeaseIsStale() {
        String given = System.getProperty("seed", "");
        if (!given.isEmpty()) {
            new LeaseCluster(Long.parseLong(given), null).run();
            return;
        }
        long first = ThreadLocalRandom.current().nextLong(1L << 40);
        System.out.println("seed=" + first + " and the " + (SEEDS - 1) + " after it");
        long reads = 0;
        long committed = 0;
        for (long seed = first; seed < first + SEEDS; seed++) {
            LeaseCluster cluster = new LeaseCluster(seed, null);
            cluster.run();
            reads += cluster.leaseReads();
            committed += cluster.committed();
        }
        System.out.println("seeds found nothing: leaseReads=" + reads + " committed=" + committed);
        assertThat(reads).isGreaterThan(SEEDS * 100L);
        assertThat(committed).isGreaterThan(SEEDS * 50L);
    }

    @ParameterizedTest
    @EnumSource(
            value = PlantedBug.class,
            names = {
                "LEASE_ACROSS_PAUSE",
                "LEASE_BEFORE_OWN_TERM_COMMIT",
                "LEASE_FROM_CONFIRMATION",
                "LEASE_KEPT_IN_TRANSFER"
            })
    void eachPlantedBugIsFound(PlantedBug bug) {
        for (long seed = 1; seed <= SEEDS_FOR_A_MISTAKE; seed++) {
            try {
                new LeaseCluster(seed, bug).run();
            } catch (AssertionError violation) {
                System.out.println("found " + bug + " by " + violation.getMessage());
                new LeaseCluster(seed, null).run();
                return;
            }
        }
        fail(bug + " was not found by " + SEEDS_FOR_A_MISTAKE + " seeds");
    }
}
