package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

@Covers({"K13", "T08"})
final class CommandValidatorTest {
    private static final int PUT = CommandDescriptor.KIND_PUT;
    private static final int DELETE = CommandDescriptor.KIND_DELETE;
    private static final int OPEN = CommandDescriptor.KIND_OPEN_SESSION;
    private static final int CLOSE = CommandDescriptor.KIND_CLOSE_SESSION;
    private static final int ADD = CommandDescriptor.KIND_ADD;
    private static final int BATCH = CommandDescriptor.KIND_PUT_BATCH;
    private static final int RANGE = CommandDescriptor.KIND_DELETE_RANGE;
    private static final int RESOLVE = CommandDescriptor.KIND_RESOLVE;
    private static final byte[] NONE = new byte[0];
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

    @Test
    void expectedRevisionsAndValuesPassAtTheirLimitsAndNotBeyond() {
        byte[] key = new byte[Limits.MAX_KEY_BYTES];
        byte[] half = new byte[Limits.MAX_VALUE_BYTES / 2];
        byte[] longest = new byte[Limits.MAX_VALUE_BYTES];
        byte[] tooLong = new byte[Limits.MAX_VALUE_BYTES + 1];
        for (int kind : new int[] {PUT, DELETE}) {
            for (int flags = 0; flags < 8; flags++) {
                boolean both = (flags & 6) == 6;
                assertThat(inspect(kind, flags, key, 5, (flags & 4) == 0 ? NONE : half, NONE))
                        .as("kind %d flags %d", kind, flags)
                        .isEqualTo(both ? CommandRefusal.TWO_CONDITIONS : CommandRefusal.NONE);
            }
            assertThat(inspect(kind, 2, key, 0, NONE, NONE)).isEqualTo(CommandRefusal.NONE);
            assertThat(inspect(kind, 2, key, Long.MAX_VALUE, NONE, NONE)).isEqualTo(CommandRefusal.NONE);
            assertThat(inspect(kind, 2, key, -1, NONE, NONE)).isEqualTo(CommandRefusal.EXPECTED_REVISION);
            assertThat(inspect(kind, 4, key, 0, longest, NONE)).isEqualTo(CommandRefusal.NONE);
            assertThat(inspect(kind, 4, key, 0, tooLong, NONE)).isEqualTo(CommandRefusal.VALUE_TOO_LARGE);
            assertThat(inspect(kind, 0, key, 0, new byte[1], NONE)).isEqualTo(CommandRefusal.EXPECTED_VALUE);
            assertThat(inspect(kind, 4, NONE, 0, NONE, NONE)).isEqualTo(CommandRefusal.KEY_EMPTY);
        }
        assertThat(inspect(DELETE, 4, key, 0, half, new byte[1])).isEqualTo(CommandRefusal.UNWANTED_VALUE);
        assertThat(inspect(PUT, 4, key, 0, half, longest)).isEqualTo(CommandRefusal.NONE);
        assertThat(inspect(PUT, 4, key, 0, half, tooLong)).isEqualTo(CommandRefusal.VALUE_TOO_LARGE);
    }

    @Test
    void anExpectedRevisionNeedsTheLongerBlock() {
        byte[] command = TestCommands.command(7, 1, 1, PUT, 2, new byte[8], 5, NONE, NONE);
        UnsafeBuffer bytes = new UnsafeBuffer(command);
        assertThat(CommandValidator.inspect(bytes, 0, command.length)).isEqualTo(CommandRefusal.NONE);
        bytes.putShort(CommandDescriptor.BLOCK_LENGTH_OFFSET, (short) CommandDescriptor.BLOCK_LENGTH, LITTLE_ENDIAN);
        bytes.putInt(CommandDescriptor.KEY_LENGTH_OFFSET, 16, LITTLE_ENDIAN);
        assertThat(CommandValidator.inspect(bytes, 0, command.length)).isEqualTo(CommandRefusal.LAYOUT);
    }

    @Test
    void onlyPutAndDeleteKnowFlags() {
        for (int kind : new int[] {OPEN, CLOSE, ADD, BATCH, RANGE, RESOLVE}) {
            for (int flag : new int[] {1, 2, 4}) {
                assertThat(inspect(kind, flag, NONE, 0, NONE, NONE))
                        .as("kind %d flag %d", kind, flag)
                        .isEqualTo(CommandRefusal.FLAGS);
            }
        }
    }

    @Test
    void countersTakeEightBytes() {
        byte[] key = new byte[Limits.MAX_KEY_BYTES];
        assertThat(inspect(ADD, 0, key, 0, NONE, new byte[8])).isEqualTo(CommandRefusal.NONE);
        assertThat(inspect(ADD, 0, key, 0, NONE, new byte[7])).isEqualTo(CommandRefusal.DIFFERENCE);
        assertThat(inspect(ADD, 0, key, 0, NONE, new byte[9])).isEqualTo(CommandRefusal.DIFFERENCE);
        assertThat(inspect(ADD, 0, NONE, 0, NONE, new byte[8])).isEqualTo(CommandRefusal.KEY_EMPTY);
        assertThat(inspect(ADD, 0, new byte[Limits.MAX_KEY_BYTES + 1], 0, NONE, new byte[8]))
                .isEqualTo(CommandRefusal.KEY_TOO_LARGE);
    }

    @Test
    void resolveAsksForASequenceOfASession() {
        assertThat(inspect(RESOLVE, 0, NONE, 0, NONE, NONE)).isEqualTo(CommandRefusal.NONE);
        assertThat(inspect(RESOLVE, 0, new byte[1], 0, NONE, NONE)).isEqualTo(CommandRefusal.UNWANTED_KEY);
        assertThat(inspect(RESOLVE, 0, NONE, 0, NONE, new byte[1])).isEqualTo(CommandRefusal.UNWANTED_VALUE);
        assertThat(check(0, 1, 1, RESOLVE, 0, 0)).isEqualTo(Status.BAD_REQUEST);
        assertThat(check(7, 1, 2, RESOLVE, 0, 0)).isEqualTo(Status.BAD_REQUEST);
    }

    @Test
    void rangesEndBehindTheirBeginning() {
        byte[] longest = new byte[Limits.MAX_KEY_BYTES];
        assertThat(range("a", "b")).isEqualTo(CommandRefusal.NONE);
        assertThat(range("a", "a\0")).isEqualTo(CommandRefusal.NONE);
        assertThat(range("a", "a")).isEqualTo(CommandRefusal.RANGE_REVERSED);
        assertThat(range("b", "a")).isEqualTo(CommandRefusal.RANGE_REVERSED);
        assertThat(range("\u00ff", "a")).isEqualTo(CommandRefusal.RANGE_REVERSED);
        assertThat(range("12345678\u00ff", "12345678a")).isEqualTo(CommandRefusal.RANGE_REVERSED);
        assertThat(range("\u00ff2345678", "12345678")).isEqualTo(CommandRefusal.RANGE_REVERSED);
        assertThat(range("", "a")).isEqualTo(CommandRefusal.NONE);
        assertThat(range("a", "")).isEqualTo(CommandRefusal.NONE);
        assertThat(range("", "")).isEqualTo(CommandRefusal.NONE);
        assertThat(inspect(RANGE, 0, longest, 0, NONE, NONE)).isEqualTo(CommandRefusal.NONE);
        assertThat(inspect(RANGE, 0, NONE, 0, NONE, longest)).isEqualTo(CommandRefusal.NONE);
        byte[] tooLong = new byte[Limits.MAX_KEY_BYTES + 1];
        assertThat(inspect(RANGE, 0, tooLong, 0, NONE, NONE)).isEqualTo(CommandRefusal.KEY_TOO_LARGE);
        assertThat(inspect(RANGE, 0, NONE, 0, NONE, tooLong)).isEqualTo(CommandRefusal.KEY_TOO_LARGE);
    }

    private CommandRefusal range(String from, String to) {
        return inspect(RANGE, 0, TestCommands.bytes(from), 0, NONE, TestCommands.bytes(to));
    }

    @Test
    void batchesPassAtTheirLimitsAndNotBeyond() {
        assertThat(batch(NONE)).isEqualTo(CommandRefusal.BATCH_COUNT);
        assertThat(batch(TestCommands.batch("a", "1"))).isEqualTo(CommandRefusal.NONE);
        assertThat(batch(items(Limits.MAX_BATCH_ITEMS, 1))).isEqualTo(CommandRefusal.NONE);
        assertThat(batch(items(Limits.MAX_BATCH_ITEMS, -1))).isEqualTo(CommandRefusal.NONE);
        assertThat(batch(items(Limits.MAX_BATCH_ITEMS + 1, 1))).isEqualTo(CommandRefusal.BATCH_COUNT);
        String half = "x".repeat(Limits.MAX_BATCH_BYTES / 2 - 9);
        assertThat(batch(TestCommands.batch("a", half, "b", half))).isEqualTo(CommandRefusal.NONE);
        assertThat(batch(TestCommands.batch("a", half, "b", half + "x"))).isEqualTo(CommandRefusal.BATCH_TOO_LARGE);
        assertThat(inspect(BATCH, 0, new byte[1], 0, NONE, TestCommands.batch("a", "1")))
                .isEqualTo(CommandRefusal.UNWANTED_KEY);
    }

    @Test
    void itemsOfABatchHaveTheLimitsOfAPut() {
        assertThat(batch(TestCommands.batch("a", "1", "", "2"))).isEqualTo(CommandRefusal.KEY_EMPTY);
        String key = "k".repeat(Limits.MAX_KEY_BYTES);
        assertThat(batch(TestCommands.batch(key, "1"))).isEqualTo(CommandRefusal.NONE);
        assertThat(batch(TestCommands.batch(key + "k", "1"))).isEqualTo(CommandRefusal.KEY_TOO_LARGE);
        String value = "v".repeat(Limits.MAX_VALUE_BYTES);
        assertThat(batch(TestCommands.batch("a", value))).isEqualTo(CommandRefusal.NONE);
        assertThat(batch(TestCommands.batch("a", value + "v"))).isEqualTo(CommandRefusal.VALUE_TOO_LARGE);
    }

    @Test
    void itemsThatContradictTheBatchAreRefused() {
        byte[] items = TestCommands.batch("key", "value", "other", null);
        for (int length = 1; length < items.length; length++) {
            if (length != 16) {
                assertThat(batch(Arrays.copyOf(items, length)))
                        .as("length %d", length)
                        .isEqualTo(CommandRefusal.BATCH_LAYOUT);
            }
        }
        UnsafeBuffer buffer = new UnsafeBuffer(items);
        for (int wrong : new int[] {-2, Integer.MIN_VALUE, Integer.MAX_VALUE, items.length}) {
            buffer.putInt(4, wrong, LITTLE_ENDIAN);
            assertThat(batch(items)).as("value length %d", wrong).isEqualTo(CommandRefusal.BATCH_LAYOUT);
        }
        buffer.putInt(4, 5, LITTLE_ENDIAN);
        for (int wrong : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, items.length}) {
            buffer.putInt(0, wrong, LITTLE_ENDIAN);
            assertThat(batch(items)).as("key length %d", wrong).isEqualTo(CommandRefusal.BATCH_LAYOUT);
        }
    }

    @Test
    void aKeyTwiceInABatchIsFoundWhereverItStands() {
        Random random = new Random(TestCommands.seed());
        for (int run = 0; run < 500; run++) {
            List<String> keys = new ArrayList<>();
            for (int i = 1 + random.nextInt(40); i > 0; i--) {
                keys.add("k".repeat(1 + random.nextInt(20)) + random.nextInt(1 << 20));
            }
            keys = new ArrayList<>(new LinkedHashSet<>(keys));
            if (run % 3 == 0) {
                Collections.sort(keys);
            }
            assertThat(batch(batchOf(keys))).as("%s", keys).isEqualTo(CommandRefusal.NONE);
            keys.add(random.nextInt(keys.size() + 1), keys.get(random.nextInt(keys.size())));
            assertThat(batch(batchOf(keys))).as("%s", keys).isEqualTo(CommandRefusal.BATCH_KEY_TWICE);
        }
    }

    private static byte[] batchOf(List<String> keys) {
        List<@Nullable String> items = new ArrayList<>();
        keys.forEach(key -> {
            items.add(key);
            items.add("v");
        });
        return TestCommands.batch(items.toArray(new String[0]));
    }

    /** Keys in descending order, so that they are sorted. */
    private static byte[] items(int count, int valueLength) {
        int length = 8 + 4 + Math.max(0, valueLength);
        UnsafeBuffer items = new UnsafeBuffer(new byte[count * length]);
        for (int i = 0; i < count; i++) {
            items.putInt(i * length, 4, LITTLE_ENDIAN);
            items.putInt(i * length + 4, valueLength, LITTLE_ENDIAN);
            items.putInt(i * length + 8, count - i, ByteOrder.BIG_ENDIAN);
        }
        return items.byteArray();
    }

    private CommandRefusal batch(byte[] items) {
        return inspect(BATCH, 0, NONE, 0, NONE, items);
    }

    private static CommandRefusal inspect(
            int kind, int flags, byte[] key, long expectedRevision, byte[] expected, byte[] value) {
        boolean opens = kind == OPEN;
        byte[] command = TestCommands.command(
                opens ? 0 : 7, opens ? 0 : 5, opens ? 0 : 3, kind, flags, key, expectedRevision, expected, value);
        return CommandValidator.inspect(new UnsafeBuffer(command), 0, command.length);
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
