package dev.cairn.server.http;

import java.util.Map;

/** Where the gateways of the other nodes are: what a refusal tells its reader. Immutable. */
record LeaderHints(Map<Integer, String> httpAddresses) {
    /** {@code host:port} of a node's gateway, empty = not known. */
    String httpAddress(final int nodeId) {
        return httpAddresses.getOrDefault(nodeId, "");
    }

    String message(final int leaderId) {
        if (leaderId == 0) {
            return "this node does not lead and knows no leader now; try again";
        }
        final String address = httpAddress(leaderId);
        return "this node does not lead; node " + leaderId + " does" + (address.isEmpty() ? "" : ": http://" + address);
    }
}
