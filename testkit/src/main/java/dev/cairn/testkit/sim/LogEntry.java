package dev.cairn.testkit.sim;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.LogCursor;
import org.agrona.DirectBuffer;

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
    final String key;
    final long value;

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
            key = "";
            value = 0;
            return;
        }
        sessionId = buffer.getLong(at + CommandDescriptor.SESSION_ID_OFFSET, LITTLE_ENDIAN);
        sequence = buffer.getLong(at + CommandDescriptor.SEQUENCE_OFFSET, LITTLE_ENDIAN);
        lowestOpen = buffer.getLong(at + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, LITTLE_ENDIAN);
        kind = buffer.getByte(at + CommandDescriptor.KIND_OFFSET);
        int keyLength = buffer.getInt(at + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        key = buffer.getStringWithoutLengthAscii(at + CommandDescriptor.BLOCK_LENGTH, keyLength);
        value = isPut() ? buffer.getLong(at + CommandDescriptor.BLOCK_LENGTH + keyLength, LITTLE_ENDIAN) : 0;
    }

    boolean isCommand() {
        return type == EntryDescriptor.TYPE_COMMAND;
    }

    boolean isOpenSession() {
        return kind == CommandDescriptor.KIND_OPEN_SESSION;
    }

    boolean isPut() {
        return kind == CommandDescriptor.KIND_PUT;
    }

    @Override
    public String toString() {
        return "(" + index + ", term " + term + ", crc " + Integer.toHexString(crc) + ", session " + sessionId + "/"
                + sequence + ")";
    }
}
