package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

final class RowOrderTest {
    private static final int KEY_AT = 4;

    /** Keys of families that are alike at their beginning, some the beginning of others, bytes of all values but 0. */
    @Test
    void keysComeInUnsignedOrder() {
        long seed = TestCommands.seed();
        Random random = new Random(seed);
        for (int run = 0; run < 200; run++) {
            List<byte[]> keys = keys(random, 1);
            List<byte[]> expected = new ArrayList<>(keys);
            expected.sort(Arrays::compareUnsigned);
            assertThat(sorted(keys)).as("seed %d run %d", seed, run).containsExactlyElementsOf(expected);
        }
    }

    /** With bytes of 0 the order of some keys is any, but each is there once. */
    @Test
    void noKeyIsLostWhateverItsBytes() {
        long seed = TestCommands.seed();
        Random random = new Random(seed);
        for (int run = 0; run < 200; run++) {
            List<byte[]> keys = keys(random, 0);
            assertThat(sorted(keys)).as("seed %d run %d", seed, run).containsExactlyInAnyOrderElementsOf(keys);
        }
    }

    private static List<byte[]> keys(Random random, int lowestByte) {
        int bytes = 1 + random.nextInt(random.nextBoolean() ? 3 : 255);
        byte[] family = key(random, random.nextInt(20), lowestByte, 2);
        List<byte[]> keys = new ArrayList<>();
        for (int i = random.nextInt(300); i >= 0; i--) {
            byte[] end = key(random, random.nextInt(14), lowestByte, bytes);
            byte[] whole = Arrays.copyOf(family, family.length + end.length);
            System.arraycopy(end, 0, whole, family.length, end.length);
            if (keys.stream().noneMatch(other -> Arrays.equals(other, whole))) {
                keys.add(whole);
            }
            if (random.nextInt(20) == 0) {
                family = random.nextBoolean() ? whole : key(random, random.nextInt(20), lowestByte, bytes);
            }
        }
        return keys;
    }

    private static byte[] key(Random random, int length, int lowestByte, int bytes) {
        byte[] key = new byte[length];
        for (int i = 0; i < length; i++) {
            key[i] = (byte) (lowestByte + random.nextInt(bytes));
        }
        return key;
    }

    private static List<byte[]> sorted(List<byte[]> keys) {
        UnsafeBuffer rows = new UnsafeBuffer(new byte[keys.size() * 512]);
        RowOrder order = new RowOrder(keys.size());
        int common = keys.get(0).length;
        for (int i = 0; i < keys.size(); i++) {
            rows.putInt(i * 512, keys.get(i).length);
            rows.putBytes(i * 512 + KEY_AT, keys.get(i));
            common = RowOrder.commonBytes(rows, KEY_AT, i * 512 + KEY_AT, Math.min(common, keys.get(i).length));
        }
        order.begin(rows, KEY_AT, 0, common);
        for (int i = 0; i < keys.size(); i++) {
            order.add(i * 512);
        }
        assertThat(order.sort()).isEqualTo(keys.size());
        List<byte[]> inOrder = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            byte[] key = new byte[rows.getInt(order.row(i))];
            rows.getBytes(order.row(i) + KEY_AT, key);
            inOrder.add(key);
        }
        return inOrder;
    }
}
