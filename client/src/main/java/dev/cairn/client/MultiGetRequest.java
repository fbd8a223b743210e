package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.MultiGetReplyDescriptor;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A read of several keys under way. */
final class MultiGetRequest extends Request<MultiGetResult> {
    private final List<byte[]> keys;
    private final ReadMode mode;
    private final long minRevision;

    MultiGetRequest(List<byte[]> keys, ReadMode mode, long minRevision) {
        this.keys = keys;
        this.mode = mode;
        this.minRevision = minRevision;
    }

    @Override
    boolean isWrite() {
        return false;
    }

    @Override
    boolean isForAnyServer() {
        return mode.isForAnyServer();
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.multiGet(out, requestId, mode.code(), minRevision, keys);
    }

    int keyCount() {
        return keys.size();
    }

    /** The list has {@link #keyCount} entries and is sound. */
    MultiGetResult result(long revision, ByteBuf frame, int offset) {
        List<Optional<KeyValue>> entries = new ArrayList<>(keys.size());
        int at = offset;
        for (byte[] key : keys) {
            int valueLength = frame.getIntLE(at + MultiGetReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
            int value = at + MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET;
            if (valueLength == MultiGetReplyDescriptor.ABSENT) {
                entries.add(Optional.empty());
                at = value;
                continue;
            }
            byte[] bytes = new byte[valueLength];
            frame.getBytes(value, bytes);
            entries.add(Optional.of(new KeyValue(
                    key,
                    bytes,
                    frame.getLongLE(at + MultiGetReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET),
                    frame.getLongLE(at + MultiGetReplyDescriptor.ENTRY_MOD_REVISION_OFFSET),
                    frame.getLongLE(at + MultiGetReplyDescriptor.ENTRY_VERSION_OFFSET))));
            at = value + valueLength;
        }
        return new MultiGetResult(revision, List.copyOf(entries));
    }

    @Override
    String verb() {
        return "multi-get";
    }
}
