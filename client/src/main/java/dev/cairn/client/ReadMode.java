package dev.cairn.client;

import dev.cairn.protocol.GetDescriptor;

/** How fresh a read must be. */
public enum ReadMode {
    /** Sees every write that was acknowledged, to anybody, before the read began. The default everywhere. */
    LINEARIZABLE(GetDescriptor.READ_LINEARIZABLE),
    /** Whatever the server at hand has applied; may be old. */
    STALE(GetDescriptor.READ_STALE);

    private final int code;

    ReadMode(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
