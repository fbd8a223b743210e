package dev.cairn.engine;

/** A checkpoint, or what claims to be one, cannot be made, read or believed. The message says which and why. */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
