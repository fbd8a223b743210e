package dev.cairn.server.replica;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the nodes are, by node id, and which of them are members now. It begins with what the settings say; configuration
 * entries add to it, and nodes that introduce themselves. The loop thread writes, any thread reads.
 */
public final class MemberAddresses {
    /** As it stands in configuration entries, and what it means; null where a later release wrote something else. */
    private record Known(String text, @Nullable MemberAddress address) {}

    private final Map<Integer, Known> known = new ConcurrentHashMap<>();
    private volatile int[] members;

    /** Of the members that the settings name, {@code host:peerPort:clientPort[:httpPort]} by node id. */
    public MemberAddresses(final Map<Integer, String> addresses) {
        addresses.forEach(this::put);
        members =
                addresses.keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
    }

    void put(final int nodeId, final String text) {
        known.put(nodeId, new Known(text, MemberAddress.parse(text)));
    }

    void remove(final int nodeId) {
        known.remove(nodeId);
    }

    /** Where a node says that it is itself: heeded as long as nothing else is known. */
    public void introduce(final int nodeId, final String text) {
        if (MemberAddress.parse(text) != null && address(nodeId) == null) {
            put(nodeId, text);
        }
    }

    void members(final int[] nodeIds) {
        members = nodeIds.clone();
    }

    /** The members of the configuration by which this node acts, ascending; a copy. */
    public int[] members() {
        return members.clone();
    }

    /** Null when it is not known. */
    public @Nullable MemberAddress address(final int nodeId) {
        final Known found = known.get(nodeId);
        return found == null ? null : found.address();
    }

    /** As it stands in configuration entries; empty when it is not known. */
    public String text(final int nodeId) {
        final Known found = known.get(nodeId);
        return found == null ? "" : found.text();
    }

    /** {@code host:port} for clients, empty when it is not known. */
    public String client(final int nodeId) {
        final MemberAddress found = address(nodeId);
        return found == null ? "" : found.client();
    }

    /** {@code host:port} of the node's HTTP gateway, empty when it is not known or has none. */
    public String http(final int nodeId) {
        final MemberAddress found = address(nodeId);
        return found == null ? "" : found.http();
    }

    /** All that is known, for an entry; a copy. */
    Map<Integer, String> texts() {
        final Map<Integer, String> texts = new HashMap<>();
        known.forEach((nodeId, of) -> texts.put(nodeId, of.text()));
        return texts;
    }
}
