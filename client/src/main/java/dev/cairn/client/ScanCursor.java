package dev.cairn.client;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Walks over a range, however large: holds the chunk that is being read and the next one, which is on its way meanwhile. One
 * thread at a time; not on the client's own thread. {@link #close} it unless it was read to its end.
 *
 * <p>{@link #hasNext} and {@link #next} wait for chunks and throw what a call can fail with: {@link ScanInterruptedException} when
 * the server that holds the cursor is gone or nobody asked it for over 30 seconds (but see {@link Scan#resuming}).
 */
public final class ScanCursor implements Iterator<KeyValue>, AutoCloseable {
    private final ClientLoop loop;
    private final ScanFlow flow;
    private List<KeyValue> chunk = List.of();
    private int position;
    private long revision;
    private @Nullable CompletableFuture<ScanChunk> coming;
    private boolean closed;

    ScanCursor(ClientLoop loop, ScanFlow flow) {
        this.loop = loop;
        this.flow = flow;
        coming = flow.next();
    }

    @Override
    public boolean hasNext() {
        while (position == chunk.size() && coming != null) {
            takeChunk(coming);
        }
        return position < chunk.size();
    }

    private void takeChunk(CompletableFuture<ScanChunk> arriving) {
        ScanChunk arrived = loop.await(arriving);
        chunk = arrived.entries();
        position = 0;
        revision = Math.max(revision, arrived.revision());
        coming = arrived.more() ? flow.next() : null;
    }

    @Override
    public KeyValue next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the scan is at its end");
        }
        return chunk.get(position++);
    }

    /** Applied index of the moment that the entries show; waits for the first chunk. */
    public long revision() {
        boolean unused = hasNext();
        return revision;
    }

    /** The rest as a stream; closing it closes this. */
    public Stream<KeyValue> stream() {
        int shape = Spliterator.ORDERED | Spliterator.DISTINCT | Spliterator.NONNULL;
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, shape), false)
                .onClose(this::close);
    }

    /** Gives the server's cursor up, at once and without waiting. May be called twice. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            coming = null;
            chunk = List.of();
            position = 0;
            flow.close();
        }
    }
}
