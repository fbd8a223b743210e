package dev.cairn.client;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The write was sent and its outcome is unknown: it may have been executed, may yet be, or not. {@link #resolve} asks the cluster
 * and settles it; without that, read the key before you decide.
 */
public final class OutcomeUnknownException extends CairnException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable Unresolved unresolved;

    OutcomeUnknownException(String message, @Nullable Unresolved unresolved) {
        super(message);
        this.unresolved = unresolved;
    }

    boolean isResolvable() {
        return unresolved != null;
    }

    /**
     * As {@link #resolveAsync}, waits for the answer.
     *
     * @throws OutcomeLostException when it cannot be known any more
     * @throws RequestTimeoutException when no answer came by the client's request time-out: ask again
     */
    public Resolution resolve() {
        CompletableFuture<Resolution> answer = resolveAsync();
        return unresolved == null ? ClientLoop.join(answer) : unresolved.loop.await(answer);
    }

    /**
     * Asks the cluster whether the write was executed. If it was not then this cancels it, for ever: no late copy of it can be
     * executed afterwards. Asking again gives the same answer.
     *
     * <p>Ask soon: a client keeps a write resolvable until about 2000 later writes need its place in the session, until the
     * session expires, or until the client is closed. After that the future fails with {@link OutcomeLostException}.
     */
    public CompletableFuture<Resolution> resolveAsync() {
        return unresolved == null
                ? CompletableFuture.failedFuture(new OutcomeLostException("cannot be known any more: " + getMessage()))
                : unresolved.loop.resolve(unresolved);
    }

    /** False: calling again may execute the write a second time. */
    @Override
    public boolean retrySafe() {
        return false;
    }
}
