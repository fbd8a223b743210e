package dev.cairn.engine;

import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The last configuration entry that a store's content lies behind.
 *
 * @param index of that entry; 0 = there has been none
 * @param payload as it stands in the log; nobody writes to it
 */
public record AppliedConfiguration(long index, DirectBuffer payload) {
    /** No configuration entry was applied. */
    public static final AppliedConfiguration NONE = new AppliedConfiguration(0, new UnsafeBuffer(new byte[0]));
}
