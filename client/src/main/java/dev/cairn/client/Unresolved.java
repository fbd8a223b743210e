package dev.cairn.client;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A write whose outcome is unknown, and what is needed to ask for it. Fields that change: loop thread. */
final class Unresolved {
    final ClientLoop loop;
    final ClientSession session;
    final long sequence;
    final CommandRequest<?> request;

    /** What became of it, once that is known. */
    @Nullable
    Resolution resolution;

    /** The sequence was given up: the servers have forgotten it. */
    boolean abandoned;

    /** Questions under way, count: meanwhile it is not given up. Any thread. */
    final AtomicInteger asking = new AtomicInteger();

    Unresolved(ClientLoop loop, ClientSession session, CommandRequest<?> request) {
        this.loop = loop;
        this.session = session;
        this.sequence = request.sequence;
        this.request = request;
    }
}
