package dev.cairn.testkit.sim;

/** A check of the simulator failed. An Error, so that no code on the way takes it for a failure that it may handle. */
final class InvariantBroken extends Error {
    private static final long serialVersionUID = 1L;

    private final String check;

    /** @param check short name of the check, as the documentation lists it */
    InvariantBroken(String check, String what) {
        super(check + ": " + what);
        this.check = check;
    }

    String check() {
        return check;
    }
}
