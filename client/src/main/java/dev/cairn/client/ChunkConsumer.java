package dev.cairn.client;

import java.util.List;

/** Takes a range chunk by chunk, on the client's own thread: be short and do not block. */
@FunctionalInterface
public interface ChunkConsumer {
    /**
     * The next entries, in the scan's order; the next chunk is asked for when this returns.
     *
     * @param revision applied index of the moment that they show
     * @return false to end the scan here
     */
    boolean onChunk(List<KeyValue> entries, long revision);
}
