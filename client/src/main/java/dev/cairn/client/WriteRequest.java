package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.ResultEntryDescriptor;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A put or delete with options under way. */
final class WriteRequest extends CommandRequest<WriteResult> {
    private static final byte[] NOTHING = new byte[0];

    private final byte[] key;
    private final byte @Nullable [] value;
    private final WriteOptions options;

    /** Without value: a delete. */
    WriteRequest(byte[] key, byte @Nullable [] value, WriteOptions options) {
        this.key = key;
        this.value = value;
        this.options = options;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.command(
                out,
                requestId,
                sessionId(),
                sequence,
                lowestOpenSequence,
                value == null ? CommandDescriptor.KIND_DELETE : CommandDescriptor.KIND_PUT,
                options.flags(),
                options.expectedRevision(),
                key,
                options.expectedValue(),
                value == null ? NOTHING : value);
    }

    @Override
    @Nullable
    WriteResult result(Status status, long revision, ByteBuf frame, int offset, int length) {
        boolean possible = status == Status.OK
                || (status == Status.NOT_FOUND && value == null)
                || (status == Status.CONDITION_FAILED && options.isConditional());
        if (!possible || (length > 0 && length < ResultEntryDescriptor.VALUE_OFFSET)) {
            return null;
        }
        Optional<KeyValue> entry = length == 0 ? Optional.empty() : Optional.of(entry(frame, offset, length));
        return new WriteResult(status == Status.OK, revision, entry);
    }

    private KeyValue entry(ByteBuf frame, int offset, int length) {
        byte[] bytes = new byte[length - ResultEntryDescriptor.VALUE_OFFSET];
        frame.getBytes(offset + ResultEntryDescriptor.VALUE_OFFSET, bytes);
        return new KeyValue(
                key,
                bytes,
                frame.getLongLE(offset + ResultEntryDescriptor.CREATE_REVISION_OFFSET),
                frame.getLongLE(offset + ResultEntryDescriptor.MOD_REVISION_OFFSET),
                frame.getLongLE(offset + ResultEntryDescriptor.VERSION_OFFSET));
    }

    @Override
    String verb() {
        return value == null ? "delete" : "put";
    }
}
