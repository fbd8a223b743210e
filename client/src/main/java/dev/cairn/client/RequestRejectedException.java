package dev.cairn.client;

import dev.cairn.protocol.Status;

/** The request itself is refused, by the client or by the servers; the status says why. It was not executed. */
public final class RequestRejectedException extends CairnException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    RequestRejectedException(Status status, String message) {
        super(message);
        this.status = status;
    }

    /** Why. */
    public Status status() {
        return status;
    }

    /** True: it was not executed. The same request will usually be rejected again. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
