package dev.cairn.server;

import dev.cairn.engine.BackgroundWork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs what the store does by itself. Several lines a second under a full load, so at DEBUG; where that is off when the store is
 * opened, the store has nobody to tell and does nothing for it. Threads: the store's.
 */
final class StoreEvents implements BackgroundWork {
    private static final Logger LOGGER = LoggerFactory.getLogger(StoreEvents.class);

    static boolean isLogged() {
        return LOGGER.isDebugEnabled();
    }

    @Override
    public void onFlushBegin(final int job) {
        LOGGER.debug("event=store.flush.start job={}", job);
    }

    @Override
    public void onFlushEnd(final int job, final long bytes) {
        LOGGER.debug("event=store.flush.done job={} bytes={}", job, bytes);
    }

    @Override
    public void onCompactionBegin(final int job) {
        LOGGER.debug("event=store.compaction.start job={}", job);
    }

    @Override
    public void onCompactionEnd(final int job, final long readBytes, final long writtenBytes) {
        LOGGER.debug("event=store.compaction.done job={} readBytes={} writtenBytes={}", job, readBytes, writtenBytes);
    }
}
