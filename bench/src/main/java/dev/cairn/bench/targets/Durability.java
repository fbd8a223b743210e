package dev.cairn.bench.targets;

import dev.cairn.client.ServerStatus;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.StatusReplyDescriptor;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What the servers say about when they acknowledge a write. */
public final class Durability {
    /** No server answered. */
    public static final String UNKNOWN = "unknown";

    /**
     * One word for all servers that answered: {@code forced} (to disk before acknowledged), {@code not-forced}, {@code mixed}
     * when they differ, {@code unknown} when none answered.
     */
    public static String of(List<ServerStatus> servers) {
        Set<String> modes = servers.stream()
                .map(ServerStatus::node)
                .filter(node -> node != null)
                .map(Durability::of)
                .collect(Collectors.toSet());
        return switch (modes.size()) {
            case 0 -> UNKNOWN;
            case 1 -> modes.iterator().next();
            default -> "mixed";
        };
    }

    static String of(NodeStatus node) {
        return switch (node.durability()) {
            case StatusReplyDescriptor.DURABILITY_FORCED -> "forced";
            case StatusReplyDescriptor.DURABILITY_NOT_FORCED -> "not-forced";
            default -> "code-" + node.durability();
        };
    }

    private Durability() {}
}
