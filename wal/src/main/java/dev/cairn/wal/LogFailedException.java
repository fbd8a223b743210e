package dev.cairn.wal;

/**
 * A write or force failed. Final: a second force may return normally although the pages of the first are lost, so the
 * process must halt, and recovery copies what it can still read into fresh, forced files.
 */
public final class LogFailedException extends WalException {
    private static final long serialVersionUID = 1L;

    public LogFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
