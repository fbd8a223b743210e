package dev.cairn.client;

/** The client was closed before the request was sent. */
public final class ClientClosedException extends CairnException {
    private static final long serialVersionUID = 1L;

    ClientClosedException(String message) {
        super(message);
    }

    /** True: nothing was sent that a server may have executed. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
