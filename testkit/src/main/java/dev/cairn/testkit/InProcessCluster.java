package dev.cairn.testkit;

import dev.cairn.server.Node;
import dev.cairn.server.NodeConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A cluster of real nodes in this JVM, on loopback and on disk, with a {@link FaultProxy} on each link: as
 * {@link ProcessCluster}, but started in a fraction of a second. An election takes half a second unless
 * {@code settings} say otherwise. Needs the JVM flags of a node.
 *
 * <p>{@link #kill} ends a node's threads where they are: nothing is answered, and the log gets no last record. What a killed
 * process loses beyond that, only {@link ProcessCluster} shows.
 */
public final class InProcessCluster implements TestCluster {
    private final Path directory;
    private final int size;
    private final List<String> settings;
    private final ClusterNetwork network;
    private final Map<Integer, Node> nodes = new TreeMap<>();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();

    /**
     * Starts nothing yet.
     *
     * @param directory for the nodes' data; kept on {@link #close}
     * @param settings further {@code key=value} configuration of every node
     */
    public InProcessCluster(final Path directory, final int size, final String... settings) {
        this.directory = directory;
        this.size = size;
        this.settings = List.of(settings);
        network = ClusterNetwork.throughProxies(size);
    }

    /** Starts all nodes that do not run. */
    public InProcessCluster startAll() {
        startMissing();
        return this;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public void start(final int id) {
        if (isAlive(id)) {
            throw new IllegalStateException("node " + id + " runs already");
        }
        final List<String> given = new ArrayList<>(List.of(
                "cluster.id=in-process-cluster",
                "node.id=" + id,
                "data.dir=" + data(id),
                "raft.preset=fast",
                "raft.heartbeat.ms=50",
                "raft.election.min.ms=250",
                "raft.election.max.ms=500",
                "wal.segment.bytes=4MiB",
                "store.table.bytes=4MiB"));
        given.addAll(network.settings(id));
        given.addAll(settings);
        final Map<String, String> byKey = new LinkedHashMap<>();
        for (final String setting : given) {
            final int equals = setting.indexOf('=');
            final String key = setting.substring(0, equals);
            if (key.equals("raft.preset")) {
                byKey.keySet().removeIf(it -> it.startsWith("raft."));
            }
            byKey.put(key, setting.substring(equals + 1));
        }
        nodes.put(
                id,
                Node.start(
                        NodeConfig.of(byKey),
                        (thread, failure) -> failures.add(
                                new IllegalStateException("node " + id + ", thread " + thread + " failed", failure))));
    }

    @Override
    public void kill(final int... ids) {
        for (final int id : ids) {
            remove(id).abandon();
            network.linksOf(id).forEach(FaultProxy::reset);
        }
    }

    @Override
    public void stop(final int id) {
        remove(id).close();
    }

    private Node remove(final int id) {
        final Node node = nodes.remove(id);
        if (node == null) {
            throw new IllegalArgumentException("node " + id + " does not run");
        }
        return node;
    }

    /** As far as all others can tell: nothing that the node sends arrives, and nothing reaches it. */
    @Override
    public void pause(final int id) {
        network.linksOf(id).forEach(FaultProxy::stall);
        network.clientLink(id).stall();
    }

    @Override
    public void resume(final int id) {
        network.linksOf(id).forEach(FaultProxy::heal);
        network.clientLink(id).heal();
    }

    @Override
    public boolean isAlive(final int id) {
        return nodes.containsKey(id);
    }

    @Override
    public ClusterNetwork network() {
        return network;
    }

    @Override
    public Path data(final int id) {
        return directory.resolve("node" + id);
    }

    @Override
    public String describe() {
        return "\n-- nodes that run: " + nodes.keySet() + ", failures: " + failures;
    }

    /** Kills what still runs, and fails when a node had failed by itself. */
    @Override
    public void close() {
        kill(nodes.keySet().stream().mapToInt(Integer::intValue).toArray());
        network.close();
        final Throwable failure = failures.poll();
        if (failure != null) {
            final AssertionError error = new AssertionError("a node failed by itself", failure);
            failures.forEach(error::addSuppressed);
            throw error;
        }
    }
}
