package dev.cairn.engine;

/** What cannot be, is: a bug, or state that no release of Cairn writes. The node must stop; going on would spread it. */
public final class BrokenInvariantException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public BrokenInvariantException(String message) {
        super(message);
    }
}
