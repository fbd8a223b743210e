package dev.cairn.wal;

import org.jspecify.annotations.Nullable;

/**
 * The disk has no room for a new segment. Nothing was written and nothing is lost; the same append may be tried again
 * when space has returned.
 */
public final class NoSpaceException extends WalException {
    private static final long serialVersionUID = 1L;

    public NoSpaceException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
