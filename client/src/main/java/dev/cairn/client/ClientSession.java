package dev.cairn.client;

import dev.cairn.protocol.Limits;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of one session: gives out sequences and knows the lowest one that is still open. Loop thread only.
 *
 * <p>A sequence is settled when its caller was told an outcome. One whose outcome is unknown stays open, so that it can be asked
 * for, until it is resolved, or until it holds back half of the window and more is needed: then it is abandoned, the oldest
 * first. From the next command on the servers refuse a settled or abandoned sequence, so a late copy of it does nothing.
 */
final class ClientSession {
    /** Sequences that an unresolved one may hold back, count. */
    static final int MAX_HELD_BACK = Limits.SESSION_WINDOW / 2;

    private static final int MASK = Limits.SESSION_WINDOW - 1;

    private final long id;
    private final boolean[] settled = new boolean[Limits.SESSION_WINDOW];
    private @Nullable Unresolved @Nullable [] unresolved;
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

    /** Whether another sequence fits into the window; makes room at the cost of the oldest unresolved ones. */
    boolean hasRoom() {
        if (unresolved != null && nextSequence - lowestOpen >= MAX_HELD_BACK) {
            abandonOldest(unresolved);
        }
        return nextSequence - lowestOpen < Limits.SESSION_WINDOW;
    }

    private void abandonOldest(@Nullable Unresolved[] held) {
        Unresolved oldest = held[(int) lowestOpen & MASK];
        while (oldest != null && oldest.asking.get() == 0 && nextSequence - lowestOpen >= MAX_HELD_BACK) {
            oldest.abandoned = true;
            settle(lowestOpen);
            oldest = held[(int) lowestOpen & MASK];
        }
    }

    /** Gives out the next sequence. The caller has checked {@link #hasRoom}. */
    long take() {
        if (nextSequence - lowestOpen >= Limits.SESSION_WINDOW) {
            throw new IllegalStateException("window full: next " + nextSequence + ", lowest open " + lowestOpen);
        }
        return nextSequence++;
    }

    /** The outcome of this sequence is unknown and may be asked for later. */
    void keepOpen(Unresolved outcome) {
        if (unresolved == null) {
            unresolved = new Unresolved[Limits.SESSION_WINDOW];
        }
        unresolved[(int) outcome.sequence & MASK] = outcome;
    }

    /** The outcome of this sequence is not awaited any more. */
    void settle(long sequence) {
        if (sequence < lowestOpen) {
            return;
        }
        if (unresolved != null) {
            unresolved[(int) sequence & MASK] = null;
        }
        settled[(int) sequence & MASK] = true;
        while (lowestOpen < nextSequence && settled[(int) lowestOpen & MASK]) {
            settled[(int) lowestOpen & MASK] = false;
            lowestOpen++;
        }
    }
}
