package dev.cairn.server.cli;

import dev.cairn.server.Address;
import dev.cairn.server.ConfigException;
import dev.cairn.server.Member;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A local cluster as its options describe it: node i listens on loopback at base port + i for clients and at base port +
 * 100 + i for peers and at base port + 200 + i for HTTP. Its files stand in {@code dir}: {@code node<i>.properties}
 * and {@code node<i>/} with {@code data}, {@code node.log} and {@code node.pid}.
 */
record ClusterPlan(Path dir, int nodes, int basePort) {
    static final String HOST = "127.0.0.1";
    static final String CLUSTER_ID = "local";
    static final int PEER_OFFSET = 100;
    static final int HTTP_OFFSET = 200;
    static final int MAX_BASE_PORT = 65535 - HTTP_OFFSET - Member.MAX_MEMBERS;

    ClusterPlan {
        if (nodes < 1 || nodes > Member.MAX_MEMBERS) {
            throw new ConfigException("--nodes " + nodes + " is not within 1-" + Member.MAX_MEMBERS);
        }
        if (basePort < 1 || basePort > MAX_BASE_PORT) {
            throw new ConfigException("--base-port " + basePort + " is not within 1-" + MAX_BASE_PORT);
        }
        // Absolute, so that a properties file means the same from each working directory.
        dir = dir.toAbsolutePath().normalize();
    }

    List<Member> members() {
        return IntStream.rangeClosed(1, nodes)
                .mapToObj(id ->
                        new Member(id, HOST, basePort + PEER_OFFSET + id, basePort + id, basePort + HTTP_OFFSET + id))
                .toList();
    }

    /** As clients take it: {@code host:port,...}. */
    String servers() {
        return members().stream()
                .map(Member::clientAddress)
                .map(Address::toString)
                .collect(Collectors.joining(","));
    }

    Path propertiesFile(int node) {
        return dir.resolve("node" + node + ".properties");
    }

    Path nodeDir(int node) {
        return dir.resolve("node" + node);
    }

    /** The keys that this plan decides; a file may have others beside them. */
    Map<String, String> properties(int node) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("cluster.id", CLUSTER_ID);
        values.put("node.id", Integer.toString(node));
        values.put("cluster.members", members().stream().map(Member::toString).collect(Collectors.joining(",")));
        values.put("data.dir", nodeDir(node).resolve("data").toString());
        return values;
    }

    /**
     * Refuses, before anything is written, a directory that another plan made.
     *
     * @throws ConfigException with the first difference
     */
    void checkExistingFiles() {
        for (int node = 1; node <= nodes; node++) {
            Path file = propertiesFile(node);
            if (Files.exists(file)) {
                Properties found = read(file);
                properties(node).forEach((key, value) -> requireEqual(file, key, found.getProperty(key), value));
            }
        }
    }

    private void requireEqual(Path file, String key, @Nullable String found, String value) {
        if (!value.equals(found)) {
            throw new ConfigException(file + " was written with other options: it has " + key + "=" + found
                    + ", these options mean " + key + "=" + value
                    + ". Start with the --nodes and --base-port of the first time, or name another --dir");
        }
    }

    private static Properties read(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
            return properties;
        } catch (IOException | IllegalArgumentException e) {
            throw new ConfigException("the file " + file + " cannot be read: " + e);
        }
    }

    /**
     * Refuses when something listens on a port of this plan.
     *
     * @throws ConfigException naming the first such port
     */
    void checkPortsAreFree() {
        for (Member member : members()) {
            checkPortIsFree(member.clientPort(), "clients of node " + member.id());
            checkPortIsFree(member.peerPort(), "peers of node " + member.id());
            checkPortIsFree(member.httpPort(), "HTTP of node " + member.id());
        }
    }

    private static void checkPortIsFree(int port, String use) {
        try (ServerSocket socket = new ServerSocket()) {
            // As the node binds: connections of an earlier run that are still closing do not count.
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port));
        } catch (BindException e) {
            throw new ConfigException("port " + port + " of " + HOST + " (" + use + ") cannot be used: "
                    + e.getMessage() + ". Stop what listens there or choose another --base-port");
        } catch (IOException e) {
            throw new UncheckedIOException("port " + port + ": " + e, e);
        }
    }

    /** Writes what is missing; what is there stays as it is. */
    void write() {
        try {
            for (int node = 1; node <= nodes; node++) {
                Files.createDirectories(nodeDir(node));
                if (!Files.exists(propertiesFile(node))) {
                    Files.writeString(propertiesFile(node), text(node));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("directory " + dir + ": " + e, e);
        }
    }

    private String text(int node) {
        StringBuilder text = new StringBuilder("# Node " + node + " of " + nodes
                + ", written by 'cairn cluster'. More keys may be added; docs/configuration.md lists them.\n");
        // A backslash begins an escape in a properties file.
        properties(node)
                .forEach((key, value) -> text.append(key)
                        .append('=')
                        .append(value.replace("\\", "\\\\"))
                        .append('\n'));
        return text.toString();
    }
}
