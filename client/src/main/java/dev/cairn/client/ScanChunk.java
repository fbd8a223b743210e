package dev.cairn.client;

import dev.cairn.protocol.ScanReplyDescriptor;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reply of a scan.
 *
 * @param cursorId 0 = the scan is finished
 * @param count entries up to here, those of earlier chunks included
 * @param connection whose server holds the cursor
 */
record ScanChunk(
        List<KeyValue> entries,
        long cursorId,
        long revision,
        long count,
        @Nullable ClientConnection connection) {
    /** Behind the last chunk, without asking a server. */
    static final ScanChunk END = new ScanChunk(List.of(), 0, 0, 0, null);

    boolean more() {
        return cursorId != 0;
    }

    /** The list is sound. */
    static List<KeyValue> entries(ByteBuf frame, int offset, int entryCount) {
        List<KeyValue> entries = new ArrayList<>(entryCount);
        int at = offset;
        for (int i = 0; i < entryCount; i++) {
            byte[] key = new byte[frame.getIntLE(at + ScanReplyDescriptor.ENTRY_KEY_LENGTH_OFFSET)];
            byte[] value = new byte[frame.getIntLE(at + ScanReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET)];
            frame.getBytes(at + ScanReplyDescriptor.ENTRY_KEY_OFFSET, key);
            frame.getBytes(at + ScanReplyDescriptor.ENTRY_KEY_OFFSET + key.length, value);
            entries.add(new KeyValue(
                    key,
                    value,
                    frame.getLongLE(at + ScanReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET),
                    frame.getLongLE(at + ScanReplyDescriptor.ENTRY_MOD_REVISION_OFFSET),
                    frame.getLongLE(at + ScanReplyDescriptor.ENTRY_VERSION_OFFSET)));
            at += ScanReplyDescriptor.ENTRY_KEY_OFFSET + key.length + value.length;
        }
        return entries;
    }
}
