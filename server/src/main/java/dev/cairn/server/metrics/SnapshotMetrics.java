package dev.cairn.server.metrics;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What happens with snapshots; any thread. */
public final class SnapshotMetrics {
    private final LongAdder taken = new LongAdder();
    private final LongAdder takenMs = new LongAdder();
    private final LongAdder installed = new LongAdder();
    private final LongAdder bytesSent = new LongAdder();
    private final LongAdder bytesReceived = new LongAdder();
    private final AtomicLong lastIndex = new AtomicLong();
    private final AtomicLong lastBytes = new AtomicLong();

    /** A snapshot was finished here. */
    public void onTaken(final long index, final long bytes, final long ms) {
        taken.increment();
        takenMs.add(ms);
        onNewest(index, bytes);
    }

    /** The newest snapshot here is this one, taken now or found at the start. */
    public void onNewest(final long index, final long bytes) {
        lastIndex.set(index);
        lastBytes.set(bytes);
    }

    /** A snapshot of another node replaced this node's state. */
    public void onInstalled() {
        installed.increment();
    }

    /** A piece of a checkpoint's file went to a node or a client. */
    public void onSent(final long bytes) {
        bytesSent.add(bytes);
    }

    /** A piece of a checkpoint's file arrived. */
    public void onReceived(final long bytes) {
        bytesReceived.add(bytes);
    }

    long taken() {
        return taken.sum();
    }

    double takenSeconds() {
        return takenMs.sum() / 1e3;
    }

    long installed() {
        return installed.sum();
    }

    long bytesSent() {
        return bytesSent.sum();
    }

    long bytesReceived() {
        return bytesReceived.sum();
    }

    long lastIndex() {
        return lastIndex.get();
    }

    long lastBytes() {
        return lastBytes.get();
    }
}
