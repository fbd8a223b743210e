package dev.cairn.engine;

import org.jspecify.annotations.Nullable;

/** The store's environment failed: disk full, I/O error, damaged file, or a directory that is not a store. */
public final class KvStoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean noSpace;

    /** @param noSpace the disk is full: the same batch may be written once there is room */
    public KvStoreException(String message, boolean noSpace, @Nullable Throwable cause) {
        super(message, cause);
        this.noSpace = noSpace;
    }

    /** Whether the disk is full. */
    public boolean isNoSpace() {
        return noSpace;
    }
}
