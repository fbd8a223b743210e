package dev.cairn.raft;

/** Something that Raft proves impossible has happened: the node must stop, and its data must be looked at. */
public final class InvariantViolation extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    InvariantViolation(final String invariant, final long found, final long bound) {
        super("broken invariant: " + invariant + " (" + found + ", " + bound + ")");
    }
}
