package dev.cairn.server.replica;

import java.nio.ByteBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;

/** The queues from one thread of a replica to another. */
public final class Rings {
    private Rings() {}

    /**
     * A ring off the heap.
     *
     * @param bytes a power of two
     */
    public static OneToOneRingBuffer create(final int bytes) {
        return new OneToOneRingBuffer(
                new UnsafeBuffer(ByteBuffer.allocateDirect(bytes + RingBufferDescriptor.TRAILER_LENGTH)));
    }

    /**
     * Takes all messages that were there when it was called. A read of a ring ends where it wraps, and may find nothing there but
     * the padding before it; behind that, another one finds the rest.
     */
    public static int readAll(final OneToOneRingBuffer ring, final MessageHandler handler) {
        return ring.read(handler) + ring.read(handler);
    }
}
