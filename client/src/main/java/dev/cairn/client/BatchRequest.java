package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An atomic batch under way. */
final class BatchRequest extends CommandRequest<BatchResult> {
    private final List<WriteBatch.Item> items;
    private final int itemBytes;

    BatchRequest(List<WriteBatch.Item> items, int itemBytes) {
        this.items = items;
        this.itemBytes = itemBytes;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        int start = encoder.beginBatch(out, requestId, sessionId(), sequence, lowestOpenSequence, itemBytes);
        for (WriteBatch.Item item : items) {
            encoder.batchItem(out, item.key(), item.value());
        }
        encoder.end(out, start);
    }

    @Override
    @Nullable
    BatchResult result(Status status, long revision, ByteBuf frame, int offset, int length) {
        return status == Status.OK ? new BatchResult(revision) : null;
    }

    @Override
    String verb() {
        return "batch";
    }
}
