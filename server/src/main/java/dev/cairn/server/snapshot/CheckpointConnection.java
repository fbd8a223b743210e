package dev.cairn.server.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A connection on which one thread reads the checkpoints of another node, one request at a time, waiting for each answer. */
public interface CheckpointConnection extends AutoCloseable {
    /** The node answered, and its answer is no. */
    final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        public Refused(final String message) {
            super(message);
        }
    }

    /** Makes connections to peers. */
    interface Factory {
        CheckpointConnection connect(int nodeId) throws IOException;
    }

    /** The manifest of the checkpoint that the node would have read. */
    byte[] open() throws IOException;

    /**
     * Reads a piece of a file.
     *
     * @return the bytes, valid until the next call; none at the end of the file
     * @throws Refused when the node does not have that checkpoint any more
     */
    ByteBuffer read(long checkpointId, int fileNumber, long offset, int maxBytes) throws IOException;

    @Override
    void close() throws IOException;
}
