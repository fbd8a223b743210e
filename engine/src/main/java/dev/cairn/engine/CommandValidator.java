package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import org.agrona.DirectBuffer;

/**
 * What a command must satisfy before it may enter the log. Applying trusts it: a command that got past and does not parse stops every node,
 * so nothing is proposed without this check. Stateless, any thread; allocates nothing but for a batch of more than a few items.
 */
public final class CommandValidator {
    private static final int KNOWN_FLAGS =
            CommandDescriptor.FLAG_WANT_PREVIOUS | CommandDescriptor.FLAG_IF_REVISION | CommandDescriptor.FLAG_IF_VALUE;

    private CommandValidator() {}

    /** {@link Status#OK}, or why the bytes at [offset, offset + length) are refused. */
    public static Status check(DirectBuffer buffer, int offset, int length) {
        return inspect(buffer, offset, length).status();
    }

    /** The same, in more detail. */
    public static CommandRefusal inspect(DirectBuffer buffer, int offset, int length) {
        if (!CommandFlyweight.isConsistent(buffer, offset, length)) {
            return CommandRefusal.LAYOUT;
        }
        int kind = buffer.getByte(offset + CommandDescriptor.KIND_OFFSET);
        CommandRefusal flags = checkFlags(buffer, offset, kind);
        if (flags != CommandRefusal.NONE) {
            return flags;
        }
        int keyLength = buffer.getInt(offset + CommandDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
        int valueLength = buffer.getInt(offset + CommandDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        CommandRefusal session = checkSession(buffer, offset, kind, keyLength);
        return session == CommandRefusal.NONE
                ? checkContent(buffer, offset + length, kind, keyLength, valueLength)
                : session;
    }

    private static CommandRefusal checkFlags(DirectBuffer buffer, int offset, int kind) {
        int flags = buffer.getByte(offset + CommandDescriptor.FLAGS_OFFSET);
        int known = kind == CommandDescriptor.KIND_PUT || kind == CommandDescriptor.KIND_DELETE ? KNOWN_FLAGS : 0;
        if ((flags & ~known) != 0) {
            return CommandRefusal.FLAGS;
        }
        boolean ifRevision = (flags & CommandDescriptor.FLAG_IF_REVISION) != 0;
        boolean ifValue = (flags & CommandDescriptor.FLAG_IF_VALUE) != 0;
        int expectedLength = buffer.getInt(offset + CommandDescriptor.EXPECTED_LENGTH_OFFSET, LITTLE_ENDIAN);
        if (ifRevision && ifValue) {
            return CommandRefusal.TWO_CONDITIONS;
        }
        if (!ifValue && expectedLength != 0) {
            return CommandRefusal.EXPECTED_VALUE;
        }
        if (expectedLength > Limits.MAX_VALUE_BYTES) {
            return CommandRefusal.VALUE_TOO_LARGE;
        }
        return ifRevision && buffer.getLong(offset + CommandDescriptor.EXPECTED_REVISION_OFFSET, LITTLE_ENDIAN) < 0
                ? CommandRefusal.EXPECTED_REVISION
                : CommandRefusal.NONE;
    }

    private static CommandRefusal checkSession(DirectBuffer buffer, int offset, int kind, int keyLength) {
        long sessionId = buffer.getLong(offset + CommandDescriptor.SESSION_ID_OFFSET, LITTLE_ENDIAN);
        long sequence = buffer.getLong(offset + CommandDescriptor.SEQUENCE_OFFSET, LITTLE_ENDIAN);
        long lowestOpen = buffer.getLong(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET, LITTLE_ENDIAN);
        if (kind == CommandDescriptor.KIND_OPEN_SESSION) {
            return sessionId == 0 && sequence == 0 && keyLength <= Limits.MAX_SESSION_NAME_BYTES
                    ? CommandRefusal.NONE
                    : CommandRefusal.SESSION_NAME;
        }
        boolean inSession = kind == CommandDescriptor.KIND_CLOSE_SESSION
                || (sequence >= 1 && lowestOpen >= 1 && lowestOpen <= sequence);
        return sessionId != 0 && inSession ? CommandRefusal.NONE : CommandRefusal.SESSION;
    }

    /** @param end the command's; key and value are the last of it */
    private static CommandRefusal checkContent(DirectBuffer buffer, int end, int kind, int keyLength, int valueLength) {
        int valueOffset = end - valueLength;
        return switch (kind) {
            case CommandDescriptor.KIND_OPEN_SESSION ->
                valueLength == 0 ? CommandRefusal.NONE : CommandRefusal.UNWANTED_VALUE;
            case CommandDescriptor.KIND_CLOSE_SESSION, CommandDescriptor.KIND_RESOLVE -> {
                CommandRefusal value = valueLength == 0 ? CommandRefusal.NONE : CommandRefusal.UNWANTED_VALUE;
                yield keyLength == 0 ? value : CommandRefusal.UNWANTED_KEY;
            }
            case CommandDescriptor.KIND_PUT -> checkRow(keyLength, valueLength);
            case CommandDescriptor.KIND_DELETE ->
                valueLength == 0 ? checkRow(keyLength, 0) : CommandRefusal.UNWANTED_VALUE;
            case CommandDescriptor.KIND_ADD ->
                valueLength == Long.BYTES ? checkRow(keyLength, valueLength) : CommandRefusal.DIFFERENCE;
            case CommandDescriptor.KIND_PUT_BATCH ->
                keyLength == 0 ? BatchCheck.inspect(buffer, valueOffset, valueLength) : CommandRefusal.UNWANTED_KEY;
            case CommandDescriptor.KIND_DELETE_RANGE ->
                checkRange(buffer, valueOffset - keyLength, keyLength, valueOffset, valueLength);
            default -> CommandRefusal.KIND;
        };
    }

    static CommandRefusal checkRow(int keyLength, int valueLength) {
        if (keyLength < Limits.MIN_KEY_BYTES) {
            return CommandRefusal.KEY_EMPTY;
        }
        if (keyLength > Limits.MAX_KEY_BYTES) {
            return CommandRefusal.KEY_TOO_LARGE;
        }
        return valueLength > Limits.MAX_VALUE_BYTES ? CommandRefusal.VALUE_TOO_LARGE : CommandRefusal.NONE;
    }

    private static CommandRefusal checkRange(DirectBuffer buffer, int from, int fromLength, int to, int toLength) {
        if (fromLength > Limits.MAX_KEY_BYTES || toLength > Limits.MAX_KEY_BYTES) {
            return CommandRefusal.KEY_TOO_LARGE;
        }
        return toLength == 0 || KeyOrder.compare(buffer, from, fromLength, buffer, to, toLength) < 0
                ? CommandRefusal.NONE
                : CommandRefusal.RANGE_REVERSED;
    }
}
