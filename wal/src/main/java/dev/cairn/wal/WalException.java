package dev.cairn.wal;

import org.jspecify.annotations.Nullable;

/** An environment failure of the log: the message carries file, offset and numbers. */
public class WalException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public WalException(String message) {
        super(message);
    }

    public WalException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
