package dev.cairn.client;

/** The deadline passed: a read without a reply, or a write that was never sent. It was not executed, or is a read. */
public final class RequestTimeoutException extends CairnException {
    private static final long serialVersionUID = 1L;

    RequestTimeoutException(String message) {
        super(message);
    }

    /** True: a read, or a write that was never sent. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
