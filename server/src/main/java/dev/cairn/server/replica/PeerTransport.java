package dev.cairn.server.replica;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Frames to and from the other nodes. Loop thread only.
 *
 * <p>Frames may be lost at any time, silently; Raft repeats what matters. A frame that is delivered is whole: length and
 * CRC are the transport's affair in both directions.
 */
public interface PeerTransport {
    /** Receives what {@link #poll} finds. */
    interface Handler {
        /** One whole frame. The buffer belongs to the transport and is valid during this call only. */
        void onPeerFrame(int peerId, DirectBuffer buffer, int offset, int length);

        /** The connection on which this node sends its requests to a peer came up or went away. */
        void onPeerConnectionChanged(int peerId);

        /** A peer refuses this node: by the configuration at {@code index}, which is committed there, it is no member. */
        default void onNotMember(final int peerId, final long index) {}
    }

    /** The members are others from now on: connections to new ones are made, those to others end soon. */
    default void members(final PeerSet members) {}

    /** Delivers everything that has arrived; never waits. */
    int poll(Handler handler);

    /** A zeroed header's worth and more to encode one frame into, from offset 0; ends the life of the last claim. */
    MutableDirectBuffer claim(int length);

    /** Sends the claimed frame as a request to a peer. May be repeated for other peers: they share the bytes. */
    void sendRequest(int peerId);

    /** Sends the claimed frame on the connection on which the peer's requests arrive. */
    void sendReply(int peerId);

    /** Hands everything sent since the last call to the network, one flush per connection. */
    void flush();
}
