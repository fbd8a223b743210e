package dev.cairn.server.replica;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.engine.KvReader;
import dev.cairn.engine.KvStoreException;
import dev.cairn.server.metrics.ReplicaMetrics;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;

/**
 * Serves point reads that the loop could not answer from memory, on a thread that may wait for the disk. The loop has
 * already established that the state machine is far enough. A slow read delays other slow reads, nothing else.
 */
public final class ReaderAgent implements DutyCycle {
    static final int ROW_MESSAGE = 1;
    static final int NOT_FOUND_MESSAGE = 2;
    static final int FAILED_MESSAGE = 4;
    static final int CONNECTION_ID_OFFSET = 0;
    static final int REQUEST_ID_OFFSET = 8;
    static final int BYTES_OFFSET = 16;

    private static final int READ_MESSAGE = 3;

    private final KvReader reader;
    private final Wakeable loop;
    private final ReplicaMetrics metrics;
    private final OneToOneRingBuffer requests;
    private final OneToOneRingBuffer results;
    private final MessageHandler onRequest = this::onRequest;

    ReaderAgent(final KvReader reader, final Wakeable loop, final Capacities capacities, final ReplicaMetrics metrics) {
        requests = Rings.create(capacities.readRingBytes());
        results = Rings.create(capacities.rowRingBytes());
        this.reader = reader;
        this.loop = loop;
        this.metrics = metrics;
    }

    /**
     * Loop thread.
     *
     * @return false when too many reads wait: the client is to be told BUSY
     */
    boolean offer(
            final long connectionId, final long requestId, final DirectBuffer key, final int offset, final int length) {
        final int claim = requests.tryClaim(READ_MESSAGE, BYTES_OFFSET + length);
        if (claim < 0) {
            return false;
        }
        requests.buffer().putLong(claim + CONNECTION_ID_OFFSET, connectionId);
        requests.buffer().putLong(claim + REQUEST_ID_OFFSET, requestId);
        requests.buffer().putBytes(claim + BYTES_OFFSET, key, offset, length);
        requests.commit(claim);
        return true;
    }

    /** Loop thread: takes the answers that have arrived. */
    int pollResults(final MessageHandler handler) {
        return Rings.readAll(results, handler);
    }

    /** Any thread: true when {@link #doWork} would find something. */
    @Override
    public boolean hasWork() {
        return requests.size() > 0;
    }

    /** One cycle: one read, when there is room for its answer. */
    @Override
    public int doWork() {
        if (results.capacity() - results.size() < results.maxMsgLength() + 64) {
            return 0;
        }
        return requests.read(onRequest, 1);
    }

    private void onRequest(final int type, final DirectBuffer buffer, final int offset, final int length) {
        final long connectionId = buffer.getLong(offset + CONNECTION_ID_OFFSET);
        final long requestId = buffer.getLong(offset + REQUEST_ID_OFFSET);
        final long startNs = metrics.nowNs();
        try {
            final int rowLength = reader.get(buffer, offset + BYTES_OFFSET, length - BYTES_OFFSET, false);
            final boolean found = rowLength >= 0;
            answer(
                    found ? ROW_MESSAGE : NOT_FOUND_MESSAGE,
                    connectionId,
                    requestId,
                    reader.buffer(),
                    found ? rowLength : 0);
        } catch (KvStoreException failure) {
            // What cannot be read fails the request that asks for it, and no other.
            final byte[] text = String.valueOf(failure.getMessage()).getBytes(UTF_8);
            answer(FAILED_MESSAGE, connectionId, requestId, new UnsafeBuffer(text), text.length);
        }
        metrics.slowRead().record(metrics.nowNs() - startNs, 1);
    }

    private void answer(
            final int type, final long connectionId, final long requestId, final DirectBuffer bytes, final int length) {
        final int claim = results.tryClaim(type, BYTES_OFFSET + length);
        if (claim < 0) {
            throw new IllegalStateException("no room for an answer of " + length + " bytes");
        }
        results.buffer().putLong(claim + CONNECTION_ID_OFFSET, connectionId);
        results.buffer().putLong(claim + REQUEST_ID_OFFSET, requestId);
        results.buffer().putBytes(claim + BYTES_OFFSET, bytes, 0, length);
        results.commit(claim);
        loop.wake();
    }
}
