package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.LogCursor;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;

/** One entry as the checks remember it: all logs that hold (index, term) must hold exactly this. */
final class LogEntry {
    final long index;
    final long term;
    final long previousTerm;
    final int crc;
    final int type;
    final long logTimeMs;

    // Of commands.
    final long sessionId;
    final long sequence;
    final long lowestOpen;
    final int kind;
    final int flags;
    final long expectedRevision;
    final String key;
    /** Bytes as characters, one each; likewise {@link #text}. */
    final String expected;

    final String text;

    LogEntry(LogCursor cursor, long previousTerm) {
        index = cursor.index();
        term = cursor.term();
        crc = cursor.crc();
        type = cursor.type();
        logTimeMs = cursor.logTimeMs();
        this.previousTerm = previousTerm;
        DirectBuffer buffer = cursor.buffer();
        int at = cursor.payloadOffset();
        if (type != EntryDescriptor.TYPE_COMMAND) {
            sessionId = 0;
            sequence = 0;
            lowestOpen = 0;
            kind = 0;
            flags = 0;
            expectedRevision = 0;
            key = "";
            expected = "";
            text = "";
            return;
        }
        sessionId = buffer.getLong(at + CommandDescriptor.SESSION_ID_OFFSET, LITTLE_ENDIAN);
        sequence = buffer.getLong(at + CommandDescriptor.SEQUENCE_OFFSET, LITTLE_ENDIAN);
        lowestOpen = buffer.getLong(at + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, LITTLE_ENDIAN);
        kind = buffer.getByte(at + CommandDescriptor.KIND_OFFSET);
        flags = buffer.getByte(at + CommandDescriptor.FLAGS_OFFSET);
        expectedRevision = has(CommandDescriptor.FLAG_IF_REVISION)
                ? buffer.getLong(at + CommandDescriptor.EXPECTED_REVISION_OFFSET, LITTLE_ENDIAN)
                : 0;
        int keyAt = at + buffer.getShort(at + CommandDescriptor.BLOCK_LENGTH_OFFSET, LITTLE_ENDIAN);
        int expectedAt = keyAt + buffer.getInt(at + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        int textAt = expectedAt + buffer.getInt(at + CommandDescriptor.EXPECTED_LENGTH_OFFSET, LITTLE_ENDIAN);
        int end = textAt + buffer.getInt(at + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        key = text(buffer, keyAt, expectedAt);
        expected = text(buffer, expectedAt, textAt);
        text = text(buffer, textAt, end);
    }

    private static String text(DirectBuffer buffer, int from, int to) {
        byte[] bytes = new byte[to - from];
        buffer.getBytes(from, bytes);
        return new String(bytes, ISO_8859_1);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Of a batch: what it writes, by key; a null value deletes. */
    Map<String, @Nullable String> items() {
        Map<String, @Nullable String> items = new LinkedHashMap<>();
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(ISO_8859_1)).order(LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            int keyLength = bytes.getInt();
            int valueLength = bytes.getInt();
            int keyAt = bytes.position();
            int end = keyAt + keyLength + Math.max(0, valueLength);
            items.put(
                    text.substring(keyAt, keyAt + keyLength),
                    valueLength < 0 ? null : text.substring(keyAt + keyLength, end));
            bytes.position(end);
        }
        return items;
    }

    /** What the entry would write under a key; null when nothing. */
    @Nullable
    String writes(String writtenKey) {
        return switch (kind) {
            case CommandDescriptor.KIND_PUT -> key.equals(writtenKey) ? text : null;
            case CommandDescriptor.KIND_PUT_BATCH -> items().get(writtenKey);
            default -> null;
        };
    }

    boolean isCommand() {
        return type == EntryDescriptor.TYPE_COMMAND;
    }

    boolean isOpenSession() {
        return kind == CommandDescriptor.KIND_OPEN_SESSION;
    }

    @Override
    public String toString() {
        return "(" + index + ", term " + term + ", crc " + Integer.toHexString(crc) + ", session " + sessionId + "/"
                + sequence + ")";
    }
}
