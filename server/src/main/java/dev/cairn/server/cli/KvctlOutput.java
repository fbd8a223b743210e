package dev.cairn.server.cli;

import dev.cairn.client.KeyValue;
import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.StatusReplyDescriptor;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** The forms in which {@code kvctl} writes results. */
final class KvctlOutput {
    private static final List<String> COLUMNS = List.of(
            "SERVER",
            "ID",
            "ROLE",
            "TERM",
            "COMMIT",
            "APPLIED",
            "LAST",
            "DURABLE",
            "FORCED",
            "LEADER",
            "LEADER-ADDRESS");

    /** One line per server; one that did not answer has the reason instead of numbers. */
    static String table(List<ServerStatus> all) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(COLUMNS);
        for (ServerStatus server : all) {
            rows.add(row(server));
        }
        int[] widths = new int[COLUMNS.size()];
        for (List<String> row : rows) {
            for (int column = 0; row.size() == COLUMNS.size() && column < row.size(); column++) {
                widths[column] = Math.max(widths[column], row.get(column).length());
            }
        }
        widths[0] =
                all.stream().mapToInt(server -> server.server().length()).max().orElse(0);
        return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining(System.lineSeparator()));
    }

    private static List<String> row(ServerStatus server) {
        NodeStatus node = server.node();
        if (node == null) {
            return List.of(server.server(), "unreachable: " + server.problem());
        }
        return List.of(
                server.server(),
                Integer.toString(node.nodeId()),
                node.roleName(),
                Long.toString(node.term()),
                Long.toString(node.commitIndex()),
                Long.toString(node.appliedIndex()),
                Long.toString(node.lastLogIndex()),
                Long.toString(node.durableIndex()),
                forced(node) ? "yes" : "NO",
                node.leaderId() == 0 ? "-" : Integer.toString(node.leaderId()),
                node.leaderAddress().isEmpty() ? "-" : node.leaderAddress());
    }

    private static String line(List<String> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int column = 0; column < row.size(); column++) {
            String cell = row.get(column);
            line.append(cell);
            if (column < row.size() - 1) {
                line.append(" ".repeat(Math.max(0, widths[column] - cell.length()) + 2));
            }
        }
        return line.toString();
    }

    private static boolean forced(NodeStatus node) {
        return node.durability() == StatusReplyDescriptor.DURABILITY_FORCED;
    }

    /** An array with one object per server. */
    static String json(List<ServerStatus> all) {
        return all.stream().map(KvctlOutput::json).collect(Collectors.joining(",", "[", "]"));
    }

    private static String json(ServerStatus server) {
        NodeStatus node = server.node();
        if (node == null) {
            return "{\"server\":" + quote(server.server()) + ",\"reachable\":false,\"problem\":"
                    + quote(Objects.requireNonNullElse(server.problem(), "")) + "}";
        }
        return "{\"server\":" + quote(server.server())
                + ",\"reachable\":true"
                + ",\"id\":" + node.nodeId()
                + ",\"role\":" + quote(node.roleName())
                + ",\"term\":" + node.term()
                + ",\"commit\":" + node.commitIndex()
                + ",\"applied\":" + node.appliedIndex()
                + ",\"last\":" + node.lastLogIndex()
                + ",\"durable\":" + node.durableIndex()
                + ",\"forced\":" + forced(node)
                + ",\"digest\":" + quote(Long.toHexString(node.digest()))
                + ",\"leader\":" + node.leaderId()
                + ",\"leader_address\":" + quote(node.leaderAddress()) + "}";
    }

    /** Key and value as text where they are UTF-8, else as {@code key_base64}, {@code value_base64}. */
    static String json(KeyValue read) {
        return "{" + bytes("key", read.key()) + "," + bytes("value", read.value())
                + ",\"create_revision\":" + read.createRevision()
                + ",\"mod_revision\":" + read.modRevision()
                + ",\"version\":" + read.version() + "}";
    }

    private static String bytes(String name, byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return quote(name) + ":" + quote(text);
        } catch (CharacterCodingException e) {
            return quote(name + "_base64") + ":" + quote(Base64.getEncoder().encodeToString(bytes));
        }
    }

    static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                default -> {
                    if (c < 0x20) {
                        quoted.append(String.format("\\u%04x", (int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }

    private KvctlOutput() {}
}
