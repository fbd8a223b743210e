package dev.cairn.client;

import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Puts and deletes that happen together or not at all, all with one revision. Made by {@link CairnClient#batch}; not
 * thread-safe. Arrays are not copied: leave them unchanged until the commit has ended.
 *
 * <p>Limits: {@link Limits#MAX_BATCH_ITEMS} items, {@link Limits#MAX_BATCH_BYTES} bytes of keys, values and 8 bytes per item;
 * a key may occur once. What goes beyond fails at commit with {@link RequestRejectedException}, nothing is sent.
 */
public final class WriteBatch {
    /** Without value: the key is removed. */
    // Bytes stay arrays on their way to the encoder; nobody compares items.
    @SuppressWarnings("ArrayRecordComponent")
    record Item(byte[] key, byte @Nullable [] value) {}

    private final CairnClient client;
    private final List<Item> items = new ArrayList<>();
    private final Set<ByteBuffer> keys = new HashSet<>();
    private long bytes;
    private @Nullable RequestRejectedException problem;

    WriteBatch(CairnClient client) {
        this.client = client;
    }

    /** Writes the key. */
    public WriteBatch put(byte[] key, byte[] value) {
        check(CairnClient.checkValue(value));
        return add(key, value);
    }

    /** Removes the key; that it does not exist is no failure. */
    public WriteBatch delete(byte[] key) {
        return add(key, null);
    }

    /** Items so far, count. */
    public int size() {
        return items.size();
    }

    /** As {@link #commitAsync}, waits for the result. */
    public BatchResult commit() {
        return client.await(commitAsync());
    }

    /** Executes the batch as it is now. It may be committed again, as another write. */
    public CompletableFuture<BatchResult> commitAsync() {
        RequestRejectedException invalid = problem;
        if (items.isEmpty() || items.size() > Limits.MAX_BATCH_ITEMS) {
            invalid = new RequestRejectedException(
                    Status.BAD_REQUEST,
                    "batch of " + items.size() + " items, allowed are 1 to " + Limits.MAX_BATCH_ITEMS);
        } else if (bytes > Limits.MAX_BATCH_BYTES) {
            invalid = new RequestRejectedException(
                    Status.VALUE_TOO_LARGE,
                    "batch of " + bytes + " bytes, allowed are " + Limits.MAX_BATCH_BYTES + " with 8 per item");
        }
        return client.submitUnless(invalid, () -> new BatchRequest(List.copyOf(items), (int) bytes));
    }

    private WriteBatch add(byte[] key, byte @Nullable [] value) {
        check(CairnClient.checkKey(key));
        if (!keys.add(ByteBuffer.wrap(key))) {
            check(new RequestRejectedException(
                    Status.BAD_REQUEST, "item " + items.size() + " of the batch has the key of an earlier one"));
        }
        items.add(new Item(key, value));
        bytes += BatchItemDescriptor.KEY_OFFSET + key.length + (value == null ? 0 : value.length);
        return this;
    }

    private void check(@Nullable RequestRejectedException found) {
        if (problem == null) {
            problem = found;
        }
    }
}
