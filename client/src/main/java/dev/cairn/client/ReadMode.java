package dev.cairn.client;

import dev.cairn.protocol.GetDescriptor;

/** How fresh a read must be. */
public enum ReadMode {
    /** Sees every write that was acknowledged, to anybody, before the read began. The default everywhere. */
    LINEARIZABLE(GetDescriptor.READ_LINEARIZABLE, false),
    /** Whatever the server at hand has applied; may be old. */
    STALE(GetDescriptor.READ_STALE, true),
    /** As fresh as {@link #LINEARIZABLE}, answered by the server at hand: it asks the leader up to where it must have applied. */
    FOLLOWER(GetDescriptor.READ_FOLLOWER, true),
    /**
     * As fresh as {@link #LINEARIZABLE} while the servers' clocks run at rates that differ by less than a fifth: the leader
     * answers without asking the others when they have confirmed it a moment ago, and asks them when not.
     */
    LEASE(GetDescriptor.READ_LEASE, false);

    private final int code;
    private final boolean forAnyServer;

    ReadMode(int code, boolean forAnyServer) {
        this.code = code;
        this.forAnyServer = forAnyServer;
    }

    /** Whether the answer says nothing about who leads. */
    boolean isForAnyServer() {
        return forAnyServer;
    }

    int code() {
        return code;
    }
}
