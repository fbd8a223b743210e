package dev.cairn.engine;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.Limits;
import org.agrona.DirectBuffer;

/**
 * Checks the items of a PUT_BATCH. That no key occurs twice is seen in passing when the keys ascend. Otherwise they are sorted: by a heap,
 * because its time has a bound that no choice of keys can break, as it could with a hash table.
 */
final class BatchCheck {
    private BatchCheck() {}

    static CommandRefusal inspect(DirectBuffer buffer, int offset, int length) {
        if (length > Limits.MAX_BATCH_BYTES) {
            return CommandRefusal.BATCH_TOO_LARGE;
        }
        int end = offset + length;
        int count = 0;
        boolean ascending = true;
        int before = -1;
        for (int at = offset; at < end; at = next(buffer, at)) {
            CommandRefusal item = inspectItem(buffer, at, end);
            if (item != CommandRefusal.NONE) {
                return item;
            }
            ascending = ascending && (before < 0 || compare(buffer, before, at) < 0);
            before = at;
            count++;
        }
        if (count < 1 || count > Limits.MAX_BATCH_ITEMS) {
            return CommandRefusal.BATCH_COUNT;
        }
        return ascending || allDiffer(buffer, offset, end, count)
                ? CommandRefusal.NONE
                : CommandRefusal.BATCH_KEY_TWICE;
    }

    private static CommandRefusal inspectItem(DirectBuffer buffer, int at, int end) {
        if (end - at < BatchItemDescriptor.KEY_OFFSET) {
            return CommandRefusal.BATCH_LAYOUT;
        }
        long keyLength = keyLength(buffer, at);
        long valueLength = buffer.getInt(at + BatchItemDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        if (keyLength < 0
                || valueLength < BatchItemDescriptor.DELETE
                || keyLength + Math.max(0, valueLength) > end - at - BatchItemDescriptor.KEY_OFFSET) {
            return CommandRefusal.BATCH_LAYOUT;
        }
        return CommandValidator.checkRow((int) keyLength, (int) valueLength);
    }

    private static int keyLength(DirectBuffer buffer, int at) {
        return buffer.getInt(at + BatchItemDescriptor.KEY_LENGTH_OFFSET, LITTLE_ENDIAN);
    }

    private static int next(DirectBuffer buffer, int at) {
        int valueLength = buffer.getInt(at + BatchItemDescriptor.VALUE_LENGTH_OFFSET, LITTLE_ENDIAN);
        return at + BatchItemDescriptor.KEY_OFFSET + keyLength(buffer, at) + Math.max(0, valueLength);
    }

    private static int compare(DirectBuffer buffer, int a, int b) {
        return KeyOrder.compare(
                buffer,
                a + BatchItemDescriptor.KEY_OFFSET,
                keyLength(buffer, a),
                buffer,
                b + BatchItemDescriptor.KEY_OFFSET,
                keyLength(buffer, b));
    }

    private static boolean allDiffer(DirectBuffer buffer, int offset, int end, int count) {
        int[] heap = new int[count];
        int filled = 0;
        for (int at = offset; at < end; at = next(buffer, at)) {
            heap[filled++] = at;
        }
        for (int node = count / 2 - 1; node >= 0; node--) {
            siftDown(buffer, heap, node, count);
        }
        // The greatest leaves first; equal ones leave one after the other.
        for (int left = count - 1; left > 0; left--) {
            int greatest = heap[0];
            heap[0] = heap[left];
            siftDown(buffer, heap, 0, left);
            if (compare(buffer, greatest, heap[0]) == 0) {
                return false;
            }
        }
        return true;
    }

    private static void siftDown(DirectBuffer buffer, int[] heap, int from, int size) {
        int item = heap[from];
        int node = from;
        for (int child = 2 * node + 1; child < size; child = 2 * node + 1) {
            if (child + 1 < size && compare(buffer, heap[child + 1], heap[child]) > 0) {
                child++;
            }
            if (compare(buffer, heap[child], item) <= 0) {
                break;
            }
            heap[node] = heap[child];
            node = child;
        }
        heap[node] = item;
    }
}
