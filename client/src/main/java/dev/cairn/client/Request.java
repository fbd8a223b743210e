package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One call on its way: the future that the caller holds, and all that the loop knows about it, in one object.
 *
 * <p>A request is sent any number of times; each <em>transmission</em> has a request id of its own. A write keeps its
 * (session, sequence, lowest open sequence) over all of them, so that its bytes stay the same.
 *
 * <p>Written by the calling thread until it is pushed to the {@link RequestInbox}, by the loop thread afterwards.
 */
abstract sealed class Request<R> extends CompletableFuture<R>
        permits CommandRequest,
                GetRequest,
                MultiGetRequest,
                OpenSessionRequest,
                ScanNextRequest,
                ScanRequest,
                WaitAppliedRequest {
    /** {@code System.nanoTime()} by which the caller has an answer. */
    long deadlineNs;

    /** Link of the inbox. */
    @Nullable
    Request<?> inboxNext;

    /** Links of the {@link DeadlineList}. */
    @Nullable
    Request<?> earlier;

    @Nullable
    Request<?> later;

    /** Id of the transmission under way, 0 = none. */
    long requestId;

    /** Where the transmission under way went; null = none is under way. */
    @Nullable
    ClientConnection connection;

    /** Session of a write that has a sequence. */
    @Nullable
    ClientSession session;

    long sequence;
    long lowestOpenSequence;

    /** An earlier transmission ended without a reply: it may have been executed. */
    boolean inDoubt;

    /** The loop is through with it: the caller was told. */
    boolean finished;

    /** Whether it is a command, for which there are queues of their own. */
    abstract boolean isWrite();

    /** Whether it takes a sequence of the session, because it must not be executed twice. */
    boolean isSequenced() {
        return isWrite();
    }

    /** Whether it says nothing about who leads: any server answers it. */
    boolean isForAnyServer() {
        return false;
    }

    /** Writes one frame with the current request id, and with session and sequences for a write. */
    abstract void encode(ClientMessageEncoder encoder, ByteBuf out);

    /** For messages: put, get, delete. */
    abstract String verb();

    /** True when a server may have executed the request, or may yet do so. */
    final boolean mayHaveBeenExecuted() {
        return isSequenced() && (connection != null || inDoubt);
    }

    final long sessionId() {
        return session == null ? 0 : session.id();
    }
}
