package dev.cairn.client;

/** The write was sent and its outcome is unknown: it may have been executed, or may not. Read the key before you decide. */
public final class OutcomeUnknownException extends CairnException {
    private static final long serialVersionUID = 1L;

    OutcomeUnknownException(String message) {
        super(message);
    }

    /** False: calling again may execute the write a second time. */
    @Override
    public boolean retrySafe() {
        return false;
    }
}
