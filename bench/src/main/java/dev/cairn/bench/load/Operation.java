package dev.cairn.bench.load;

import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.client.ServerRefusedException;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The buffers and the outcome of one operation at a time, used over and over: {@link #prepare}, {@link #issue}, and when its
 * future has ended {@link #error}. One thread at a time; whoever hands it on provides the order.
 */
public final class Operation {
    static final String KEY_MISSING = "KeyMissing";
    static final String VALUE_LENGTH = "ValueLength";

    private final KeySpace keys;
    private final RandomValues values;
    private final int readPercent;
    private final int valueBytes;
    private final SplittableRandom random;
    private final byte[] key;
    private final byte[] value;
    private boolean read;
    private long startNs;
    private @Nullable LoadTarget target;

    public Operation(KeySpace keys, RandomValues values, LoadOptions options, SplittableRandom random) {
        this.keys = keys;
        this.values = values;
        this.readPercent = options.readPercent();
        this.valueBytes = options.valueBytes();
        this.random = random;
        this.key = new byte[keys.keyBytes()];
        this.value = new byte[readPercent == 100 ? 0 : valueBytes];
    }

    /** Draws kind, key and value. */
    void prepare() {
        read = random.nextInt(100) < readPercent;
        keys.encode(random.nextInt(keys.count()), key);
        if (!read) {
            values.fill(value, random);
        }
    }

    /** @param startNs what its latency counts from */
    CompletableFuture<?> issue(LoadTarget target, long startNs) {
        this.startNs = startNs;
        this.target = target;
        return read ? target.get(key) : target.put(key, value);
    }

    boolean isRead() {
        return read;
    }

    long startNs() {
        return startNs;
    }

    /** Why the operation counts as failed; null = it succeeded. */
    @Nullable
    String error(@Nullable Object result, @Nullable Throwable failure) {
        if (failure != null) {
            return nameOf(failure);
        }
        return read ? errorOfRead(Objects.requireNonNull(target), result, valueBytes) : null;
    }

    /** What is wrong with a read value; null = it is there and as long as it should be. */
    static @Nullable String errorOfRead(LoadTarget target, @Nullable Object result, int valueBytes) {
        int length = target.valueLength(result);
        if (length < 0) {
            return KEY_MISSING;
        }
        return length == valueBytes ? null : VALUE_LENGTH;
    }

    /** The exception's name, with the servers' status where it has one. */
    static String nameOf(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        String name = cause.getClass().getSimpleName().replaceFirst("Exception$", "");
        if (cause instanceof RequestRejectedException rejected) {
            return name + ":" + rejected.status();
        }
        if (cause instanceof ServerRefusedException refused) {
            return name + ":" + refused.status();
        }
        return name;
    }
}
