package dev.cairn.server.http;

import dev.cairn.server.Await;
import dev.cairn.server.Node;
import dev.cairn.server.NodeConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Real nodes with their gateways within the test's JVM, numbered from 1. */
final class HttpNodes implements AutoCloseable {
    private static final int PORTS = 3;

    private final HttpClient client = HttpClient.newHttpClient();
    private final Path directory;
    private final int[] ports;
    private final String members;
    private final Map<Integer, Node> nodes = new TreeMap<>();

    /** Starts all and waits until each knows the leader. */
    HttpNodes(final Path directory, final int size) throws IOException, InterruptedException {
        this.directory = directory;
        ports = freePorts(PORTS * size);
        final List<String> entries = new ArrayList<>();
        for (int id = 1; id <= size; id++) {
            entries.add(id + "=127.0.0.1:" + port(id, 0) + ":" + port(id, 1) + ":" + httpPort(id));
        }
        members = String.join(",", entries);
        for (int id = 1; id <= size; id++) {
            start(id);
        }
        for (int id = 1; id <= size; id++) {
            awaitReady(id);
        }
    }

    private static int[] freePorts(final int count) throws IOException {
        final List<ServerSocket> sockets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
        }
        final int[] ports =
                sockets.stream().mapToInt(ServerSocket::getLocalPort).toArray();
        for (final ServerSocket socket : sockets) {
            socket.close();
        }
        return ports;
    }

    private int port(final int id, final int which) {
        return ports[(id - 1) * PORTS + which];
    }

    int httpPort(final int id) {
        return port(id, 2);
    }

    void start(final int id) {
        nodes.put(
                id,
                Node.start(
                        NodeConfig.of(Map.of(
                                "cluster.id",
                                "http-test",
                                "node.id",
                                Integer.toString(id),
                                "cluster.members",
                                members,
                                "data.dir",
                                directory.resolve("node" + id).toString(),
                                "raft.preset",
                                "fast",
                                "wal.segment.bytes",
                                "1MiB")),
                        (thread, failure) -> {
                            throw new IllegalStateException("fatal in " + thread, failure);
                        }));
    }

    /** Ends a node without any farewell. */
    void kill(final int id) {
        final Node node = nodes.remove(id);
        if (node == null) {
            throw new IllegalStateException("node " + id + " does not run");
        }
        node.abandon();
    }

    void awaitReady(final int id) throws IOException, InterruptedException {
        Await.until(
                "node " + id + " is ready",
                () -> send(id, "GET", "/readyz").statusCode() == 200,
                () -> "nodes " + nodes.keySet() + " run");
    }

    /** The node that leads by its own word, among those that run. */
    int awaitLeader() throws IOException, InterruptedException {
        final int[] leader = {0};
        Await.until(
                "a leader",
                () -> {
                    for (final int id : nodes.keySet()) {
                        if (send(id, "GET", "/status").body().contains("\"role\":\"LEADER\"")) {
                            leader[0] = id;
                        }
                    }
                    return leader[0] != 0;
                },
                () -> "nodes " + nodes.keySet() + " run");
        return leader[0];
    }

    /** To the first node. */
    HttpResponse<String> send(final String method, final String path) throws IOException, InterruptedException {
        return send(1, method, path, "");
    }

    HttpResponse<String> send(final String method, final String path, final String body)
            throws IOException, InterruptedException {
        return send(1, method, path, body);
    }

    HttpResponse<String> send(final int id, final String method, final String path)
            throws IOException, InterruptedException {
        return send(id, method, path, "");
    }

    /** A body that begins with a brace is sent as JSON. */
    HttpResponse<String> send(final int id, final String method, final String path, final String body)
            throws IOException, InterruptedException {
        final HttpRequest.Builder request = request(id, path);
        if (body.startsWith("{")) {
            request.header("Content-Type", "application/json");
        }
        return client.send(
                request.method(
                                method,
                                body.isEmpty()
                                        ? HttpRequest.BodyPublishers.noBody()
                                        : HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    HttpRequest.Builder request(final int id, final String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort(id) + path))
                .timeout(Duration.ofSeconds(30));
    }

    HttpClient client() {
        return client;
    }

    /** A connection to the first node, for requests that no client library would send. */
    Socket raw() throws IOException {
        return raw(httpPort(1));
    }

    static Socket raw(final int port) throws IOException {
        final Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout((int) Await.DEADLINE.toMillis());
        return socket;
    }

    @Override
    public void close() {
        List.copyOf(nodes.keySet()).forEach(this::kill);
    }
}
