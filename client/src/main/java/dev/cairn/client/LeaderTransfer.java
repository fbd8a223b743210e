package dev.cairn.client;

import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import org.jspecify.annotations.Nullable;

/** What became of a transfer of leadership: the old leader's view behind it, or why there is none. */
record LeaderTransfer(@Nullable NodeStatus node, Status status, String problem) {
    /** Node id of the leader. */
    int leaderId() {
        if (node == null) {
            throw new RequestRejectedException(status, "transfer of leadership: " + problem);
        }
        return node.leaderId();
    }
}
