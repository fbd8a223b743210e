package dev.cairn.server.replica;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/** Frames to and from clients, behind the connection's handshake. Loop thread only. */
public interface ClientTransport {
    /** Receives what {@link #poll} finds. */
    interface Handler {
        /** One whole frame with a valid CRC. The buffer belongs to the transport and is valid during this call only. */
        void onClientFrame(long connectionId, DirectBuffer buffer, int offset, int length);
    }

    /** Delivers at most {@code limit} frames that have arrived; never waits. */
    int poll(Handler handler, int limit);

    /** True when {@link #poll} would find a frame. */
    boolean hasFrames();

    /**
     * Room for one reply frame, from offset 0, header included; {@link #send} seals and queues it. Connection ids are
     * never used twice.
     *
     * @return null when the connection is gone, or closed because its reply queue passed its cap
     */
    @Nullable
    MutableDirectBuffer claim(long connectionId, int length);

    /** False once the connection is gone: nobody will see a reply. */
    default boolean isOpen(final long connectionId) {
        return true;
    }

    /** Open connections. */
    default int connectionCount() {
        return 0;
    }

    /** Bytes of frames that have arrived and wait for {@link #poll}. */
    default long waitingBytes() {
        return 0;
    }

    /** Queues the frame that was claimed last. */
    void send();

    /** Hands everything sent since the last call to the network, one flush per connection. */
    void flush();
}
