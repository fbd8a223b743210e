package dev.cairn.server.snapshot;

import dev.cairn.engine.Checkpoint;
import dev.cairn.protocol.Status;
import java.nio.ByteBuffer;

/** Takes requests for checkpoints from a transport; never waits. Any thread. */
public interface CheckpointRequests {
    /** Where the answer to one request goes. Called by the thread that reads checkpoints; must not wait. */
    interface Replies {
        void opened(Checkpoint checkpoint, byte[] manifest);

        /** A piece of a file, without bytes at its end. The buffer is the caller's again on return. */
        void chunk(long offset, ByteBuffer bytes);

        void refused(Status status, String text);
    }

    /**
     * A peer, or a client, wants to know the newest checkpoint; a client gets one that holds all that is applied now.
     *
     * @return false when too many requests wait
     */
    boolean open(boolean forPeer, Replies to);

    /** A piece of a file is wanted; false as for {@link #open}. */
    boolean read(boolean forPeer, long checkpointId, int fileNumber, long offset, int maxBytes, Replies to);
}
