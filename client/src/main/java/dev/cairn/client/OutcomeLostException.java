package dev.cairn.client;

/**
 * What became of a write cannot be known any more: its session has expired or was closed, or so many writes followed it that the
 * servers have dropped its answer. It may have been executed, once; it will not be executed from now on.
 */
public final class OutcomeLostException extends CairnException {
    private static final long serialVersionUID = 1L;

    OutcomeLostException(String message) {
        super(message);
    }

    /** False: calling the write again may execute it a second time. */
    @Override
    public boolean retrySafe() {
        return false;
    }
}
