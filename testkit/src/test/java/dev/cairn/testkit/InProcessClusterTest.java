package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.KeyValue;
import dev.cairn.covers.Covers;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes in this JVM, end to end through real sockets. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class InProcessClusterTest {
    @TempDir
    Path directory;

    private static byte[] bytes(final String text) {
        return text.getBytes(UTF_8);
    }

    @Test
    @Covers({"T01", "T02", "T05", "T36", "K01", "O13"})
    void putsGetsAndDeletesInSequence() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll();
                CairnClient client = cluster.connect()) {
            cluster.awaitStableLeader();
            for (int i = 0; i < 100; i++) {
                client.put(bytes("key" + i % 10), bytes("value" + i));
                assertThat(client.get(bytes("key" + i % 10)).map(KeyValue::value))
                        .hasValue(bytes("value" + i));
            }
            assertThat(client.delete(bytes("key3")).found()).isTrue();
            assertThat(client.delete(bytes("key3")).found()).isFalse();
            assertThat(client.get(bytes("key3"))).isEmpty();
            cluster.awaitSameState(1);
        }
    }

    @Test
    void killedNodeComesBackOnItsDataAndPausedNodeGoesOn() {
        try (InProcessCluster cluster = new InProcessCluster(directory, 3).startAll();
                CairnClient client = cluster.connect()) {
            final int first = cluster.awaitStableLeader();
            client.put(bytes("a"), bytes("1"));
            cluster.kill(first);
            client.put(bytes("b"), bytes("2"));
            cluster.start(first);
            final int second = cluster.awaitStableLeader();
            assertThat(second).isNotEqualTo(first);
            cluster.pause(second);
            client.put(bytes("c"), bytes("3"));
            cluster.resume(second);
            final long last = client.put(bytes("d"), bytes("4")).revision();
            cluster.awaitStableLeader();
            cluster.awaitSameState(last);
            for (final String key : new String[] {"a", "b", "c", "d"}) {
                assertThat(client.get(bytes(key))).as(key).isPresent();
            }
        }
    }
}
