package dev.cairn.server.cli;

import dev.cairn.server.Node;
import dev.cairn.server.NodeConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;

/** A cluster of one node within the test's JVM, on free ports. */
final class OneNode implements AutoCloseable {
    private final Node node;
    private final String address;

    /** Starts it; a failure of its own fails the thread in which it happens. */
    OneNode(String clusterId, Path data) throws IOException {
        int peer;
        int client;
        InetAddress local = InetAddress.getLoopbackAddress();
        try (ServerSocket first = new ServerSocket(0, 1, local);
                ServerSocket second = new ServerSocket(0, 1, local)) {
            peer = first.getLocalPort();
            client = second.getLocalPort();
        }
        address = "127.0.0.1:" + client;
        node = Node.start(
                NodeConfig.of(Map.of(
                        "cluster.id",
                        clusterId,
                        "node.id",
                        "1",
                        "cluster.members",
                        "1=127.0.0.1:" + peer + ":" + client,
                        "data.dir",
                        data.toString(),
                        "wal.segment.bytes",
                        "1MiB",
                        "raft.preset",
                        "fast")),
                (thread, failure) -> {
                    throw new AssertionError(thread, failure);
                });
    }

    /** For {@code --servers}. */
    String address() {
        return address;
    }

    @Override
    public void close() {
        node.close();
    }
}
