package dev.cairn.bench.load;

/** Something that keeps operations going until the window of its {@link Measurement} is over. */
sealed interface Load permits ClosedLoop, OpenLoop {
    /** Starts it; returns soon. Once. */
    void start();

    /**
     * Waits until nothing is issued any more and every operation has ended.
     *
     * @return false when the time was over before that
     * @throws IllegalStateException when the load itself has failed, with the cause
     */
    boolean await(long timeoutNs) throws InterruptedException;

    /** Operations in flight now. */
    int inFlight();
}
