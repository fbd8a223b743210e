package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import org.agrona.DirectBuffer;

/**
 * What a command must satisfy before it may enter the log. Applying trusts it: a command that got past and does not parse stops every node,
 * so nothing is proposed without this check. Stateless, allocates nothing, any thread.
 */
public final class CommandValidator {
    private CommandValidator() {}

    /** {@link Status#OK}, or why the bytes at [offset, offset + length) are refused. */
    public static Status check(DirectBuffer buffer, int offset, int length) {
        if (!CommandFlyweight.isConsistent(buffer, offset, length)
                || buffer.getByte(offset + CommandDescriptor.FLAGS_OFFSET) != 0) {
            return Status.BAD_REQUEST;
        }
        long sessionId = buffer.getLong(offset + CommandDescriptor.SESSION_ID_OFFSET, LITTLE_ENDIAN);
        long sequence = buffer.getLong(offset + CommandDescriptor.SEQUENCE_OFFSET, LITTLE_ENDIAN);
        long lowestOpen = buffer.getLong(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, LITTLE_ENDIAN);
        int keyLength = buffer.getInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        int valueLength = buffer.getInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        boolean inSession = sessionId != 0 && sequence >= 1 && lowestOpen >= 1 && lowestOpen <= sequence;
        return switch (buffer.getByte(offset + CommandDescriptor.KIND_OFFSET)) {
            case CommandDescriptor.KIND_OPEN_SESSION ->
                okIf(sessionId == 0 && sequence == 0 && keyLength == 0 && valueLength == 0);
            case CommandDescriptor.KIND_CLOSE_SESSION -> okIf(sessionId != 0 && keyLength == 0 && valueLength == 0);
            case CommandDescriptor.KIND_PUT -> inSession ? checkRow(keyLength, valueLength) : Status.BAD_REQUEST;
            case CommandDescriptor.KIND_DELETE ->
                inSession && valueLength == 0 ? checkRow(keyLength, 0) : Status.BAD_REQUEST;
            default -> Status.BAD_REQUEST;
        };
    }

    private static Status okIf(boolean condition) {
        return condition ? Status.OK : Status.BAD_REQUEST;
    }

    private static Status checkRow(int keyLength, int valueLength) {
        if (keyLength < Limits.MIN_KEY_BYTES) {
            return Status.KEY_EMPTY;
        }
        if (keyLength > Limits.MAX_KEY_BYTES) {
            return Status.KEY_TOO_LARGE;
        }
        return valueLength > Limits.MAX_VALUE_BYTES ? Status.VALUE_TOO_LARGE : Status.OK;
    }
}
