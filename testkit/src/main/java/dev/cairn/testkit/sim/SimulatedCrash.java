package dev.cairn.testkit.sim;

/**
 * Power or process ends here, in the middle of whatever is being done. An Error, so that no code on the way takes it for a
 * failure that it may handle.
 */
final class SimulatedCrash extends Error {
    private static final long serialVersionUID = 1L;

    SimulatedCrash() {
        super("simulated crash", null, false, false);
    }
}
