package dev.cairn.client;

/** More requests are outstanding than {@link ClientConfig#maxOutstanding()} allows: slow down. Nothing was sent. */
public final class BusyException extends CairnException {
    private static final long serialVersionUID = 1L;

    BusyException(String message) {
        super(message);
    }

    /** True: nothing was sent. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
