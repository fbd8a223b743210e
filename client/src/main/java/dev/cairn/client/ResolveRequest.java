package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ResolvedAnswerDescriptor;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** The question what became of a write, under way. Takes no sequence of its own; asking twice does no harm. */
final class ResolveRequest extends CommandRequest<Resolution> {
    final Unresolved target;

    ResolveRequest(Unresolved target) {
        this.target = target;
    }

    @Override
    boolean isSequenced() {
        return false;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        // The target's sequence is open as long as it is asked about, so the lowest open one is not above it.
        ClientSession asked = target.session;
        encoder.resolve(out, requestId, asked.id(), target.sequence, asked.lowestOpen());
    }

    @Override
    @Nullable
    Resolution result(Status status, long revision, ByteBuf frame, int offset, int length) {
        if (status == Status.NOT_EXECUTED) {
            return new Resolution.NotExecuted();
        }
        if (status != Status.OK || length < ResolvedAnswerDescriptor.RESULT_OFFSET) {
            return null;
        }
        Status stored = Status.of(frame.getUnsignedShortLE(offset + ResolvedAnswerDescriptor.STATUS_OFFSET));
        long storedRevision = frame.getLongLE(offset + ResolvedAnswerDescriptor.REVISION_OFFSET);
        if (stored == Status.CANCELLED) {
            return new Resolution.NotExecuted();
        }
        if (RequestRejectedException.isWithoutChange(stored)) {
            return new Resolution.Rejected(RequestRejectedException.of(stored, target.request.verb()));
        }
        Object result = target.request.result(
                stored,
                storedRevision,
                frame,
                offset + ResolvedAnswerDescriptor.RESULT_OFFSET,
                length - ResolvedAnswerDescriptor.RESULT_OFFSET);
        return result == null ? null : new Resolution.Executed(storedRevision, result);
    }

    @Override
    String verb() {
        return "resolve";
    }
}
