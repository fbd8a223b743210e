package dev.cairn.server;

/** A data directory that this node must not use; the process ends with {@link #EXIT_CODE}. */
public final class IdentityException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Exit code of a server that was given a data directory which is not its own or is in use. */
    public static final int EXIT_CODE = 3;

    public IdentityException(String message) {
        super(message);
    }

    public IdentityException(String message, Throwable cause) {
        super(message, cause);
    }
}
