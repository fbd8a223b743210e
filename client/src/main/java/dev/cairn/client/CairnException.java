package dev.cairn.client;

/** Everything that a call of {@link CairnClient} can fail with. Unchecked; the subtype says what is known. */
public abstract sealed class CairnException extends RuntimeException
        permits BusyException,
                ClientClosedException,
                NoLeaderException,
                OutcomeLostException,
                OutcomeUnknownException,
                RequestRejectedException,
                RequestTimeoutException,
                ScanInterruptedException,
                ServerRefusedException {
    private static final long serialVersionUID = 1L;

    CairnException(String message) {
        super(message);
    }

    /**
     * True when the request was certainly not executed (or is a read), so calling again cannot execute it twice. It does not
     * promise that calling again will succeed.
     */
    public abstract boolean retrySafe();
}
