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
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

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
            "LEADER-ADDRESS",
            "LAG",
            "LOG",
            "STORE",
            "SNAPSHOT");

    /** One line per server; one that did not answer has the reason instead of numbers. */
    static String table(List<ServerStatus> all, Map<String, Map<String, @Nullable Object>> details) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(COLUMNS);
        for (ServerStatus server : all) {
            rows.add(row(server, details.getOrDefault(server.server(), Map.of())));
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

    /** Columns side by side; the last one may have any width. */
    static String table(List<List<String>> rows) {
        int[] widths = new int[rows.get(0).size()];
        for (List<String> row : rows) {
            for (int column = 0; column < widths.length; column++) {
                widths[column] = Math.max(widths[column], row.get(column).length());
            }
        }
        return rows.stream().map(row -> line(row, widths)).collect(Collectors.joining(System.lineSeparator()));
    }

    private static List<String> row(ServerStatus server, Map<String, @Nullable Object> details) {
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
                node.leaderAddress().isEmpty() ? "-" : node.leaderAddress(),
                lag(details),
                size(details.get("log_bytes")),
                size(details.get("store_bytes")),
                details.get("snapshot_index") instanceof Long index && index > 0 ? index.toString() : "-");
    }

    /** On the leader, per peer, how many entries it is behind. */
    private static String lag(Map<String, @Nullable Object> details) {
        if (!(details.get("peers") instanceof List<?> peers)) {
            return "-";
        }
        String lags = peers.stream()
                .map(Json::object)
                .filter(peer -> peer.get("lag") != null)
                .map(peer -> peer.get("id") + ":" + peer.get("lag"))
                .collect(Collectors.joining(","));
        return lags.isEmpty() ? "-" : lags;
    }

    private static String size(@Nullable Object bytes) {
        if (!(bytes instanceof Long size)) {
            return "-";
        }
        if (size < 10 << 10) {
            return size + "B";
        }
        return size < 10 << 20 ? (size >> 10) + "KiB" : (size >> 20) + "MiB";
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
    static String json(List<ServerStatus> all, Map<String, String> details) {
        return all.stream()
                .map(server -> json(server, details.get(server.server())))
                .collect(Collectors.joining(",", "[", "]"));
    }

    private static String json(ServerStatus server, @Nullable String details) {
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
                + ",\"leader_address\":" + quote(node.leaderAddress())
                + (details == null ? "" : ",\"details\":" + details) + "}";
    }

    /** Key and value as text where they are UTF-8, else as {@code key_base64}, {@code value_base64}. */
    static String json(KeyValue read) {
        return "{" + bytes("key", read.key()) + "," + bytes("value", read.value())
                + ",\"create_revision\":" + read.createRevision()
                + ",\"mod_revision\":" + read.modRevision()
                + ",\"version\":" + read.version() + "}";
    }

    /** One entry on one line: an object, or key, tab, value as far as they can be printed. */
    static String line(KeyValue entry, boolean json, boolean keysOnly) {
        if (json) {
            return keysOnly ? "{" + bytes("key", entry.key()) + "}" : json(entry);
        }
        return keysOnly ? printable(entry.key()) : printable(entry.key()) + "\t" + printable(entry.value());
    }

    /** Text as it is but for control characters and backslashes; bytes that are no UTF-8 as {@code \xHH} all of them. */
    static String printable(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            text.codePoints().forEach(c -> {
                switch (c) {
                    case '\n' -> out.append("\\n");
                    case '\r' -> out.append("\\r");
                    case '\t' -> out.append("\\t");
                    case '\\' -> out.append("\\\\");
                    default -> {
                        if (Character.isISOControl(c)) {
                            out.append(String.format("\\u%04x", c));
                        } else {
                            out.appendCodePoint(c);
                        }
                    }
                }
            });
        } catch (CharacterCodingException e) {
            for (byte b : bytes) {
                out.append(String.format("\\x%02x", b & 0xFF));
            }
        }
        return out.toString();
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
