package dev.cairn.bench.scale;

import dev.cairn.bench.load.KeySpace;
import dev.cairn.bench.load.RandomValues;
import dev.cairn.bench.machine.MeasuredNodes;
import dev.cairn.bench.machine.OwnDirectory;
import dev.cairn.client.CairnClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Fresh nodes of one number and distance, with the keys that were written to them. One thread. */
final class ScaleCluster implements AutoCloseable {
    private static final int BATCH_BYTES = 1 << 20;
    private static final int BATCH_ITEMS = 4096;
    private static final int BATCHES_IN_FLIGHT = 4;

    private final ScalePoint made;
    private final Path directory;
    private final MeasuredNodes nodes;
    private final int[] httpPorts;
    private final CairnClient client;
    private @Nullable DelayedLinks links;
    private int filledKeys;
    private int filledValueBytes = -1;

    private ScaleCluster(ScalePoint made, Path directory, List<String> settings) {
        this.made = made;
        this.directory = directory;
        nodes = new MeasuredNodes(directory, made.nodes(), settings);
        httpPorts = MeasuredNodes.freePorts(made.nodes());
        client = CairnClient.builder().servers(nodes.servers()).connect();
    }

    /** Starts the nodes and waits until all follow one leader. */
    static ScaleCluster start(ScalePoint point, Path directory, List<String> settings)
            throws IOException, InterruptedException {
        ScaleCluster cluster = new ScaleCluster(point, Files.createDirectories(directory), settings);
        try {
            cluster.startNodes();
            int unused = cluster.nodes.awaitServing(cluster.client);
            // The first look at a node's metrics loads classes on both sides; it shall not be one that counts.
            cluster.members().forEach(MeasuredNode::logTotals);
            return cluster;
        } catch (RuntimeException | InterruptedException e) {
            cluster.close();
            throw e;
        }
    }

    private void startNodes() {
        links = made.proxied() ? new DelayedLinks(nodes, made.delayMs()) : null;
        for (int id = 1; id <= nodes.size(); id++) {
            nodes.start(
                    id,
                    links == null ? nodes.peerPorts() : links.portsSeenBy(id),
                    List.of("http.listen=127.0.0.1:" + httpPorts[id - 1]));
        }
    }

    boolean serves(ScalePoint point) {
        return made.sameCluster(point);
    }

    String servers() {
        return nodes.servers();
    }

    /** The leader's first. */
    List<MeasuredNode> members() {
        int leader = MeasuredNodes.leader(client).nodeId();
        List<MeasuredNode> members = new ArrayList<>();
        IntStream.rangeClosed(1, nodes.size()).forEach(id -> members.add(id == leader ? 0 : members.size(), node(id)));
        return members;
    }

    private MeasuredNode node(int id) {
        return new MeasuredNode(nodes.pid(id), httpPorts[id - 1], nodes.clientPort(id));
    }

    @Nullable
    DelayedLinks links() {
        return links;
    }

    /** Fails when a node has ended. */
    void requireAlive() {
        nodes.requireAlive(0);
    }

    /** Writes the point's keys unless they are there with values of its length; many with each write, so that many may be. */
    void fill(ScalePoint point, SplittableRandom random) throws InterruptedException {
        if (filledValueBytes != point.valueBytes()) {
            filledKeys = 0;
        }
        KeySpace keys = new KeySpace(point.keys(), ScalePoint.KEY_BYTES);
        RandomValues values = new RandomValues(random, point.valueBytes());
        int perBatch = Math.max(
                1, Math.min(BATCH_ITEMS, BATCH_BYTES / (ScalePoint.KEY_BYTES + point.valueBytes() + Long.BYTES)));
        ArrayDeque<CompletableFuture<?>> inFlight = new ArrayDeque<>();
        while (filledKeys < point.keys()) {
            int end = Math.min(point.keys(), filledKeys + perBatch);
            inFlight.add(batch(keys, values, point.valueBytes(), end, random));
            if (inFlight.size() == BATCHES_IN_FLIGHT) {
                await(inFlight.remove());
            }
        }
        for (CompletableFuture<?> last : inFlight) {
            await(last);
        }
        filledValueBytes = point.valueBytes();
    }

    private CompletableFuture<?> batch(
            KeySpace keys, RandomValues values, int valueBytes, int end, SplittableRandom random) {
        var batch = client.batch();
        while (filledKeys < end) {
            byte[] key = new byte[ScalePoint.KEY_BYTES];
            byte[] value = new byte[valueBytes];
            keys.encode(filledKeys++, key);
            values.fill(value, random);
            batch.put(key, value);
        }
        return batch.commitAsync();
    }

    private static void await(CompletableFuture<?> written) throws InterruptedException {
        try {
            Object unused = written.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the keys could not be written: " + e.getCause(), e);
        }
    }

    /** Ends the nodes and removes what they have written. */
    @Override
    public void close() {
        client.close();
        nodes.close();
        if (links != null) {
            links.close();
        }
        new OwnDirectory(directory).close();
    }
}
