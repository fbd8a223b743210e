package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.Limits;
import io.netty.buffer.ByteBuf;

/**
 * A wait for an index under way. It is asked for in slices, so that a server that says nothing is told from one that waits.
 */
final class WaitAppliedRequest extends Request<Long> {
    private final long index;
    private final long sliceNs;

    WaitAppliedRequest(long index, long sliceNs) {
        this.index = index;
        this.sliceNs = sliceNs;
    }

    @Override
    boolean isWrite() {
        return false;
    }

    @Override
    boolean isForAnyServer() {
        return true;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        long waitNs = Math.min(sliceNs, deadlineNs - System.nanoTime());
        long waitMs = Math.max(1, Math.min(waitNs / 1_000_000, Limits.MAX_WAIT_MS));
        encoder.waitApplied(out, requestId, index, (int) waitMs);
    }

    @Override
    String verb() {
        return "wait until applied";
    }
}
