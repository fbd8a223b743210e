package dev.cairn.server.http;

import dev.cairn.server.replica.MemberAddresses;

/** Where the gateways of the other nodes are: what a refusal tells its reader. */
record LeaderHints(MemberAddresses addresses) {
    /** {@code host:port} of a node's gateway, empty = not known. */
    String httpAddress(final int nodeId) {
        return addresses.http(nodeId);
    }

    String message(final int leaderId) {
        if (leaderId == 0) {
            return "this node does not lead and knows no leader now; try again";
        }
        final String address = httpAddress(leaderId);
        return "this node does not lead; node " + leaderId + " does" + (address.isEmpty() ? "" : ": http://" + address);
    }
}
