package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.client.CairnClient;
import dev.cairn.client.PutResult;
import dev.cairn.covers.Covers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Log that is kept for a node that catches up too slowly: given up at its cap, and the node comes in all the same. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class RetentionProcessTest {
    private static final int VALUE_BYTES = 4096;

    @TempDir
    Path directory;

    @Test
    @Covers({"W09", "R26"})
    void aPinIsDroppedAtItsCapAndTheNodeCatchesUpByAnotherSnapshot() throws Exception {
        try (ProcessCluster cluster = new ProcessCluster(
                                directory,
                                3,
                                "wal.segment.bytes=1MiB",
                                "snapshot.log.bytes=2MiB",
                                "snapshot.keep.log.bytes=0",
                                "snapshot.transfer.bytes.per.s=1MiB",
                                "snapshot.retain.max.log.bytes=2MiB")
                        .startAll();
                CairnClient client = cluster.connect()) {
            cluster.awaitAllServe();
            final int slow = cluster.awaitStableLeader() % 3 + 1;
            cluster.kill(slow);
            put(client, 0, 1500);
            await(cluster, "the log was dropped", "event=log.dropped");
            cluster.start(slow);
            await(cluster, "a transfer", "event=snapshot.transfer.start");
            int puts = 1500;
            while (!logged(cluster, "event=snapshot.pin.dropped")) {
                put(client, puts, 50);
                puts += 50;
                assertThat(puts).as(cluster.describe()).isLessThan(20_000);
            }
            await(cluster, "the installation", "event=snapshot.installed");
            cluster.awaitSameState(puts);
            for (int i = 0; i < puts; i += 97) {
                assertThat(client.get(("key-" + i).getBytes(UTF_8))).isPresent();
            }
        }
    }

    private static void put(final CairnClient client, final int from, final int count) {
        final List<CompletableFuture<PutResult>> puts = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            puts.add(client.putAsync(("key-" + i).getBytes(UTF_8), new byte[VALUE_BYTES]));
        }
        CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
    }

    private static boolean logged(final ProcessCluster cluster, final String event) {
        for (int id = 1; id <= 3; id++) {
            if (cluster.logLines(id).stream().anyMatch(line -> line.contains(event))) {
                return true;
            }
        }
        return false;
    }

    private static void await(final ProcessCluster cluster, final String what, final String event)
            throws InterruptedException {
        Await.until(what, () -> logged(cluster, event), cluster::describe);
    }
}
