package dev.cairn.client;

/** No server that leads accepted the request by its deadline. It was not executed. */
public final class NoLeaderException extends CairnException {
    private static final long serialVersionUID = 1L;

    NoLeaderException(String message) {
        super(message);
    }

    /** True: no server accepted it. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
