package dev.cairn.client;

import dev.cairn.protocol.Status;

/**
 * The request is refused, by the client or by the servers; the status says why. It changed nothing and will not. NO_SPACE: a
 * write, until its deadline, by servers whose disks are full.
 */
public final class RequestRejectedException extends CairnException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    RequestRejectedException(Status status, String message) {
        super(message);
        this.status = status;
    }

    /** Whether the state machine executed such a command and found that it must not change anything. */
    static boolean isWithoutChange(Status status) {
        return status == Status.NOT_A_NUMBER || status == Status.NUMBER_OVERFLOW;
    }

    static RequestRejectedException of(Status status, String verb) {
        return new RequestRejectedException(
                status,
                switch (status) {
                    case NOT_A_NUMBER -> "the key's value is no decimal 64-bit number, it is unchanged";
                    case NUMBER_OVERFLOW -> "the sum is beyond 64 bits, the counter is unchanged";
                    default -> verb + " was rejected, " + status;
                });
    }

    /** Why. */
    public Status status() {
        return status;
    }

    /** True: it changed nothing. The same request will usually be rejected again. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
