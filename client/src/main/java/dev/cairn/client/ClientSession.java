package dev.cairn.client;

import dev.cairn.protocol.Limits;

/**
 * The client's side of one session: gives out sequences and knows the lowest one that is still open. Loop thread only.
 *
 * <p>A sequence is settled when its caller was told an outcome, "unknown" included: a write that was given up must not hold
 * the window. From the next command on the servers refuse the sequence, so a late copy of it does nothing.
 */
final class ClientSession {
    private static final int MASK = Limits.SESSION_WINDOW - 1;

    private final long id;
    private final boolean[] settled = new boolean[Limits.SESSION_WINDOW];
    private long nextSequence = 1;
    private long lowestOpen = 1;

    ClientSession(long id) {
        this.id = id;
    }

    long id() {
        return id;
    }

    /** Lowest sequence whose outcome is still awaited; the next one to be given out when none is. */
    long lowestOpen() {
        return lowestOpen;
    }

    /** Whether another sequence fits into the window. */
    boolean hasRoom() {
        return nextSequence - lowestOpen < Limits.SESSION_WINDOW;
    }

    /** Gives out the next sequence. The caller has checked {@link #hasRoom}. */
    long take() {
        if (!hasRoom()) {
            throw new IllegalStateException("window full: next " + nextSequence + ", lowest open " + lowestOpen);
        }
        return nextSequence++;
    }

    /** The outcome of this sequence is not awaited any more. */
    void settle(long sequence) {
        settled[(int) sequence & MASK] = true;
        while (lowestOpen < nextSequence && settled[(int) lowestOpen & MASK]) {
            settled[(int) lowestOpen & MASK] = false;
            lowestOpen++;
        }
    }
}
