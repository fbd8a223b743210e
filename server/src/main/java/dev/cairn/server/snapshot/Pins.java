package dev.cairn.server.snapshot;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Which checkpoints must stay because somebody reads them, and from which index on the log must stay because a peer will
 * need it. Every access renews the pin; who does not come back loses it. Any thread.
 */
final class Pins {
    /** A checkpoint stays this long after it was last touched. */
    static final long FILES_NS = TimeUnit.SECONDS.toNanos(60);

    /** The log behind a checkpoint that a peer fetches stays this long: it has to verify, install and catch up, too. */
    static final long LOG_NS = TimeUnit.SECONDS.toNanos(180);

    /** Until when something is pinned, and what; times are of the monotonic clock. */
    private record Pin(long index, long filesUntilNs, long logUntilNs, boolean pinsLog) {}

    private final Map<Long, Pin> pins = new ConcurrentHashMap<>();

    /** A client reads the checkpoint: its files stay. */
    void touch(final long checkpointId, final long index, final long nowNs) {
        pins.compute(
                checkpointId,
                (id, old) -> new Pin(
                        index, nowNs + FILES_NS, old == null ? nowNs : old.logUntilNs(), old != null && old.pinsLog()));
    }

    /** A peer reads the checkpoint, or was told to: files and log stay. */
    void touchForPeer(final long checkpointId, final long index, final long nowNs) {
        pins.put(checkpointId, new Pin(index, nowNs + FILES_NS, nowNs + LOG_NS, true));
    }

    boolean pinsFiles(final long checkpointId, final long nowNs) {
        final Pin pin = pins.get(checkpointId);
        return pin != null && pin.filesUntilNs() - nowNs > 0;
    }

    /** The log above this index must stay; {@link Long#MAX_VALUE} when nothing pins it. */
    long logIndex(final long nowNs) {
        long lowest = Long.MAX_VALUE;
        for (final Pin pin : pins.values()) {
            if (pin.pinsLog() && pin.logUntilNs() - nowNs > 0) {
                lowest = Math.min(lowest, pin.index());
            }
        }
        return lowest;
    }

    /** Gives up all that pins the log, and those checkpoints: they would lead a peer to where the log does not reach. */
    void dropLogPins() {
        pins.values().removeIf(Pin::pinsLog);
    }

    void removeExpired(final long nowNs) {
        pins.values()
                .removeIf(pin -> pin.filesUntilNs() - nowNs <= 0 && (!pin.pinsLog() || pin.logUntilNs() - nowNs <= 0));
    }
}
