package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

@Covers({"K13", "T08"})
final class CommandValidatorTest {
    private static final int PUT = CommandDescriptor.KIND_PUT;
    private static final int DELETE = CommandDescriptor.KIND_DELETE;
    private static final int OPEN = CommandDescriptor.KIND_OPEN_SESSION;
    private static final int CLOSE = CommandDescriptor.KIND_CLOSE_SESSION;
    private static final int OFFSET = 3;

    private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[Limits.MAX_FRAME_BYTES]);

    @Test
    @Covers({"K12", "L06"})
    void keysAndValuesPassAtTheirLimitsAndNotBeyond() {
        assertThat(check(PUT, 0, 0)).isEqualTo(Status.KEY_EMPTY);
        assertThat(check(PUT, 1, 0)).isEqualTo(Status.OK);
        assertThat(check(PUT, Limits.MAX_KEY_BYTES, Limits.MAX_VALUE_BYTES)).isEqualTo(Status.OK);
        assertThat(check(PUT, Limits.MAX_KEY_BYTES + 1, 0)).isEqualTo(Status.KEY_TOO_LARGE);
        assertThat(check(PUT, 1, Limits.MAX_VALUE_BYTES + 1)).isEqualTo(Status.VALUE_TOO_LARGE);
        assertThat(check(DELETE, 0, 0)).isEqualTo(Status.KEY_EMPTY);
        assertThat(check(DELETE, Limits.MAX_KEY_BYTES, 0)).isEqualTo(Status.OK);
        assertThat(check(DELETE, Limits.MAX_KEY_BYTES + 1, 0)).isEqualTo(Status.KEY_TOO_LARGE);
        assertThat(check(DELETE, 1, 1)).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    void writesNeedASessionAndASequenceFromOne() {
        assertThat(check(7, 1, 1, PUT, 1, 1)).isEqualTo(Status.OK);
        assertThat(check(-7, 1, 1, PUT, 1, 1)).isEqualTo(Status.OK);
        assertThat(check(0, 1, 1, PUT, 1, 1)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, 0, 0, PUT, 1, 1)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, 1, 0, PUT, 1, 1)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, 1, 2, PUT, 1, 1)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, -1, -1, DELETE, 1, 0)).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    void sessionsOpenWithoutAndCloseWithTheirId() {
        assertThat(check(0, 0, 0, OPEN, 0, 0)).isEqualTo(Status.OK);
        assertThat(check(1, 0, 0, OPEN, 0, 0)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(0, 1, 0, OPEN, 0, 0)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(0, 0, 0, OPEN, 1, 0)).isEqualTo(Status.OK);
        assertThat(check(0, 0, 0, OPEN, Limits.MAX_SESSION_NAME_BYTES, 0)).isEqualTo(Status.OK);
        assertThat(check(0, 0, 0, OPEN, Limits.MAX_SESSION_NAME_BYTES + 1, 0)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(0, 0, 0, OPEN, 0, 1)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, 3, 2, CLOSE, 0, 0)).isEqualTo(Status.OK);
        assertThat(check(0, 3, 2, CLOSE, 0, 0)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, 3, 2, CLOSE, 1, 0)).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    @Covers("T08")
    void unknownKindsAndFlagsAreRefused() {
        for (int kind : new int[] {0, 9, 127, 128, 255}) {
            assertThat(check(7, 1, 1, kind, 1, 0)).as("kind %d", kind).isEqualTo(Status.BAD_REQUEST);
        }
        int length = TestCommands.block(buffer, OFFSET, 7, 1, 1, PUT, 1, 1);
        for (int flag : new int[] {8, 16, 32, 64, 128}) {
            buffer.putByte(OFFSET + CommandDescriptor.FLAGS_OFFSET, (byte) flag);
            assertThat(CommandValidator.inspect(buffer, OFFSET, length)).isEqualTo(CommandRefusal.FLAGS);
        }
    }

    @Test
    void lengthsThatContradictEachOtherAreRefused() {
        int length = TestCommands.block(buffer, OFFSET, 7, 1, 1, PUT, 16, 256);
        for (int wrong : new int[] {0, 1, 39, 40, length - 1, length + 1}) {
            assertThat(CommandValidator.check(buffer, OFFSET, wrong)).isEqualTo(Status.BAD_REQUEST);
        }
        int[][] lengths = {
            {-1, 273}, {273, -1}, {Integer.MAX_VALUE, Integer.MAX_VALUE}, {Integer.MIN_VALUE, Integer.MIN_VALUE}, {0, 0}
        };
        for (int[] pair : lengths) {
            buffer.putInt(OFFSET + CommandDescriptor.KEY_LENGTH_OFFSET, pair[0], LITTLE_ENDIAN);
            buffer.putInt(OFFSET + CommandDescriptor.VALUE_LENGTH_OFFSET, pair[1], LITTLE_ENDIAN);
            assertThat(CommandValidator.check(buffer, OFFSET, length)).isEqualTo(Status.BAD_REQUEST);
        }
    }

    @Test
    void aLongerBlockIsSkippedAndAShorterOneRefused() {
        int length = TestCommands.block(buffer, OFFSET, 7, 1, 1, PUT, 16, 256);
        blockLength(48);
        assertThat(CommandValidator.check(buffer, OFFSET, length + 8)).isEqualTo(Status.OK);
        CommandFlyweight command = new CommandFlyweight();
        assertThat(command.wrap(buffer, OFFSET, length + 8)).isTrue();
        assertThat(command.keyOffset()).isEqualTo(OFFSET + 48);
        assertThat(command.valueOffset()).isEqualTo(OFFSET + 48 + 16);
        blockLength(39);
        assertThat(CommandValidator.check(buffer, OFFSET, length - 1)).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    void noBytesMakeItReadOutsideThem() {
        Random random = new Random(TestCommands.seed());
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(80)];
            random.nextBytes(bytes);
            // Bounds-checked buffer of exactly these bytes: a read outside throws.
            assertThat(CommandValidator.check(new UnsafeBuffer(bytes), 0, bytes.length))
                    .isNotNull();
        }
    }

    private void blockLength(int blockLength) {
        buffer.putShort(OFFSET + CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) blockLength, LITTLE_ENDIAN);
    }

    private Status check(int kind, int keyLength, int valueLength) {
        return check(7, 5, 3, kind, keyLength, valueLength);
    }

    private Status check(long session, long sequence, long low, int kind, int keyLength, int valueLength) {
        int length = TestCommands.block(buffer, OFFSET, session, sequence, low, kind, keyLength, valueLength);
        return CommandValidator.check(buffer, OFFSET, length);
    }
}
