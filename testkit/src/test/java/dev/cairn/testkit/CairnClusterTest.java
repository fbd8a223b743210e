package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.covers.Covers;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The extension, as a user's test has it. */
@CairnCluster
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class CairnClusterTest {
    @Test
    @Covers({"O13", "T36"})
    void valueSurvivesItsLeader(final InProcessCluster cluster, final CairnClient client) {
        client.put("key".getBytes(UTF_8), "value".getBytes(UTF_8));

        cluster.kill(cluster.awaitLeader());

        assertThat(client.get("key".getBytes(UTF_8))).isPresent();
    }

    @Test
    @CairnCluster(nodes = 1, settings = "raft.preset=default")
    void annotationOfTheTestWinsAndEachTestBeginsEmpty(final TestCluster cluster, final CairnClient client) {
        assertThat(cluster.size()).isEqualTo(1);
        assertThat(client.get("key".getBytes(UTF_8))).isEmpty();
    }
}
