package dev.cairn.client;

import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** A command for the state machine, whose outcome is a status, a revision and some bytes. */
abstract sealed class CommandRequest<R> extends Request<R>
        permits AddRequest, BatchRequest, DeleteRangeRequest, DeleteRequest, PutRequest, ResolveRequest, WriteRequest {

    @Override
    final boolean isWrite() {
        return true;
    }

    /**
     * What the caller gets for this outcome. Bytes of {@code frame} are valid during the call only.
     *
     * @return null when no server could answer this command so
     */
    abstract @Nullable R result(Status status, long revision, ByteBuf frame, int offset, int length);
}
