package dev.cairn.bench.load;

import dev.cairn.bench.targets.LoadTarget;
import dev.cairn.client.RequestRejectedException;
import dev.cairn.client.ServerRefusedException;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The buffers and the outcome of one operation at a time, used over and over: {@link #prepare}, {@link #issue}, and when its
 * future has ended {@link #error}. One thread at a time; whoever hands it on provides the order.
 */
public final class Operation {
    static final String KEY_MISSING = "KeyMissing";
    static final String VALUE_LENGTH = "ValueLength";

    private static final String SCAN_EMPTY = "ScanEmpty";

    private final KeySpace keys;
    private final KeyNumbers numbers;
    private final IntSupplier chooser;
    private final RandomValues values;
    private final Mix mix;
    private final SizeRange valueSizes;
    private final SizeRange scanSizes;
    private final SplittableRandom random;
    private final byte[] key;
    private byte[] value;
    private OperationKind kind = OperationKind.PUT;
    private int insertedPlace;
    private int scanEntries;
    private long startNs;
    private @Nullable LoadTarget target;

    /** Of a load that shares nothing between its operations: no inserts, no sequence. */
    public Operation(KeySpace keys, RandomValues values, LoadOptions options, SplittableRandom random) {
        this(keys, new KeyNumbers(options.distribution(), keys.count(), 0, 1), values, options, random);
    }

    /** @param numbers shared by all operations of the load */
    Operation(KeySpace keys, KeyNumbers numbers, RandomValues values, LoadOptions options, SplittableRandom random) {
        this.keys = keys;
        this.numbers = numbers;
        this.chooser = numbers.chooser(random);
        this.values = values;
        this.mix = options.mix();
        this.valueSizes = options.values();
        this.scanSizes = options.scanEntries();
        this.random = random;
        this.key = new byte[keys.keyBytes()];
        this.value = new byte[0];
    }

    /** Draws kind, key and value. */
    public void prepare() {
        kind = mix.kind(random.nextInt(100));
        int number;
        if (kind == OperationKind.INSERT) {
            insertedPlace = numbers.claim();
            number = numbers.number(insertedPlace);
        } else {
            number = chooser.getAsInt();
        }
        keys.encode(number, key);
        switch (kind) {
            case PUT, INSERT, READ_MODIFY_WRITE -> drawValue();
            case SCAN -> scanEntries = scanSizes.draw(random);
            case GET -> {}
        }
    }

    private void drawValue() {
        int length = valueSizes.draw(random);
        if (length != value.length) {
            value = new byte[length];
        }
        values.fill(value, random);
    }

    /**
     * Sends it.
     *
     * @param startNs what its latency counts from
     */
    public CompletableFuture<?> issue(LoadTarget target, long startNs) {
        this.startNs = startNs;
        this.target = target;
        return switch (kind) {
            case PUT, INSERT -> target.put(key, value);
            case GET -> target.get(key);
            case SCAN -> target.scan(key, scanEntries);
            case READ_MODIFY_WRITE -> target.readModifyWrite(key, value);
        };
    }

    OperationKind kind() {
        return kind;
    }

    long startNs() {
        return startNs;
    }

    /** Tells whom it concerns that the operation has ended. */
    void ended(@Nullable Object result, @Nullable Throwable failure, Outcomes outcomes) {
        String error = error(result, failure);
        if (kind == OperationKind.INSERT) {
            numbers.ended(insertedPlace);
        }
        outcomes.record(kind, error == null ? amount(result) : 0, startNs, System.nanoTime(), error);
    }

    /** Entries of a scan, attempts in vain of a read-modify-write. */
    private int amount(@Nullable Object result) {
        return kind == OperationKind.SCAN || kind == OperationKind.READ_MODIFY_WRITE
                ? Objects.requireNonNull(target).amount(result)
                : 0;
    }

    /** Why the operation counts as failed; null = it succeeded. */
    @Nullable
    String error(@Nullable Object result, @Nullable Throwable failure) {
        if (failure != null) {
            return nameOf(failure);
        }
        LoadTarget asked = Objects.requireNonNull(target);
        return switch (kind) {
            case PUT, INSERT -> null;
            case GET -> errorOfRead(asked, result, valueSizes);
            case SCAN -> asked.amount(result) > 0 ? null : SCAN_EMPTY;
            case READ_MODIFY_WRITE -> asked.amount(result) >= 0 ? null : KEY_MISSING;
        };
    }

    /** What is wrong with a read value; null = it is there and as long as it should be. */
    static @Nullable String errorOfRead(LoadTarget target, @Nullable Object result, SizeRange sizes) {
        int length = target.valueLength(result);
        if (length < 0) {
            return KEY_MISSING;
        }
        return sizes.has(length) ? null : VALUE_LENGTH;
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
