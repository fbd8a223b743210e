package dev.cairn.bench.targets;

import dev.cairn.client.CairnClient;
import dev.cairn.client.KeyValue;
import dev.cairn.client.Scan;
import dev.cairn.client.ScanPage;
import dev.cairn.client.ServerStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A client of Cairn under load. */
public record CairnTarget(CairnClient client) implements LoadTarget {
    /** Behind the last key of a load. */
    private static final byte[] SCAN_END = {'k' + 1};

    /** A read-modify-write gives up behind so many attempts. */
    private static final int MAX_CONFLICTS = 1000;

    @Override
    public CompletableFuture<?> put(byte[] key, byte[] value) {
        return client.putAsync(key, value);
    }

    @Override
    public CompletableFuture<?> get(byte[] key) {
        return client.getAsync(key);
    }

    @Override
    public int valueLength(@Nullable Object result) {
        return result instanceof Optional<?> found && found.orElse(null) instanceof KeyValue entry
                ? entry.value().length
                : -1;
    }

    @Override
    public CompletableFuture<?> scan(byte[] from, int entries) {
        return client.scanPageAsync(Scan.range(from, SCAN_END).limit(entries));
    }

    @Override
    public CompletableFuture<?> readModifyWrite(byte[] key, byte[] value) {
        return attempt(key, value, 0);
    }

    private CompletableFuture<Integer> attempt(byte[] key, byte[] value, int conflicts) {
        return client.getAsync(key).thenCompose(found -> {
            if (found.isEmpty()) {
                return CompletableFuture.completedFuture(-1);
            }
            return client.compareAndSetAsync(key, found.get().modRevision(), value)
                    .thenCompose(written -> {
                        if (written.applied()) {
                            return CompletableFuture.completedFuture(conflicts);
                        }
                        return conflicts < MAX_CONFLICTS
                                ? attempt(key, value, conflicts + 1)
                                : CompletableFuture.failedFuture(new IllegalStateException(
                                        "others have written the key " + MAX_CONFLICTS + " times meanwhile"));
                    });
        });
    }

    @Override
    public int amount(@Nullable Object result) {
        if (result instanceof ScanPage page) {
            return page.entries().size();
        }
        return result instanceof Integer conflicts ? conflicts : -1;
    }

    @Override
    public void close() {
        client.close();
    }

    /** Cairn itself. */
    public static final class Kind implements TargetKind {
        @Override
        public String word() {
            return "cairn";
        }

        @Override
        public boolean scansAndSwaps() {
            return true;
        }

        @Override
        public Connected connect(String servers, int connections, int maxOutstanding) {
            List<LoadTarget> targets = new ArrayList<>();
            List<ServerStatus> nodes = List.of();
            for (int i = 0; i < connections; i++) {
                CairnClient client = CairnClient.builder()
                        .servers(servers)
                        .maxOutstanding(maxOutstanding)
                        .connect();
                targets.add(new CairnTarget(client));
                nodes = i == 0 ? client.status() : nodes;
            }
            long answered =
                    nodes.stream().filter(status -> status.node() != null).count();
            return new Connected(
                    targets,
                    Durability.of(nodes),
                    answered + " of " + nodes.size() + " servers answered",
                    nodes.stream().map(Kind::line).toList());
        }

        private static String line(ServerStatus status) {
            return status.server()
                    + ' '
                    + (status.node() == null
                            ? String.valueOf(status.problem())
                            : "node " + status.node().nodeId() + ' '
                                    + status.node().roleName() + ' ' + Durability.of(status.node()));
        }
    }
}
