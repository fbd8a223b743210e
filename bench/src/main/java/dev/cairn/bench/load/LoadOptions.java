package dev.cairn.bench.load;

import dev.cairn.protocol.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What one run of the load generator shall do; checked when made.
 *
 * @param servers client addresses, {@code host:port} separated by commas
 * @param mode kind of load
 * @param readPercent share of gets, 0 to 100; put has 0, get 100
 * @param outstanding operations kept in flight by a closed loop, count; 0 = open loop
 * @param rate operations started per second by an open loop; 0 = closed loop
 * @param seconds measured time
 * @param warmupSeconds load before it that is not counted; {@link #WARMUP_AUTO} = until its rate has settled
 * @param keys number of different keys
 * @param keyBytes length of each key
 * @param values lengths of the values, bytes
 * @param connections clients, each with one connection and one thread
 * @param distribution of the keys that are taken
 * @param scanEntries entries that a scan asks for
 */
public record LoadOptions(
        String servers,
        Mode mode,
        int readPercent,
        int outstanding,
        int rate,
        int seconds,
        int warmupSeconds,
        int keys,
        int keyBytes,
        SizeRange values,
        int connections,
        KeyDistribution distribution,
        SizeRange scanEntries) {

    /** Kind of load: one of the simple ones, or a workload of YCSB. */
    public enum Mode {
        PUT,
        GET,
        MIXED,
        SCAN,
        YCSB_A,
        YCSB_B,
        YCSB_C,
        YCSB_D,
        YCSB_E,
        YCSB_F;

        /** As on the command line. */
        public String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        boolean isWorkload() {
            return compareTo(YCSB_A) >= 0;
        }

        /** As the workloads of YCSB have it; the simple loads take all keys equally. */
        KeyDistribution distribution() {
            return switch (this) {
                case PUT, GET, MIXED, SCAN -> KeyDistribution.UNIFORM;
                case YCSB_D -> KeyDistribution.LATEST;
                default -> KeyDistribution.ZIPFIAN;
            };
        }

        Mix mix(int readPercent) {
            return switch (this) {
                case PUT -> Mix.of(OperationKind.PUT);
                case GET, YCSB_C -> Mix.of(OperationKind.GET);
                case MIXED -> Mix.of(OperationKind.GET, readPercent, OperationKind.PUT);
                case SCAN -> Mix.of(OperationKind.SCAN);
                case YCSB_A -> Mix.of(OperationKind.GET, 50, OperationKind.PUT);
                case YCSB_B -> Mix.of(OperationKind.GET, 95, OperationKind.PUT);
                case YCSB_D -> Mix.of(OperationKind.GET, 95, OperationKind.INSERT);
                case YCSB_E -> Mix.of(OperationKind.SCAN, 95, OperationKind.INSERT);
                case YCSB_F -> Mix.of(OperationKind.GET, 50, OperationKind.READ_MODIFY_WRITE);
            };
        }
    }

    /** A session's window: a client does not send more writes than that at once, so more would only queue inside it. */
    public static final int MAX_PER_CONNECTION = Limits.SESSION_WINDOW;

    /** As {@code warmupSeconds}: until the rate has settled, see {@link WarmUp}. */
    static final int WARMUP_AUTO = Integer.MIN_VALUE;

    static final int MAX_RATE = 1_000_000;
    static final int MAX_SECONDS = 86_400;
    public static final int MAX_KEYS = 100_000_000;
    public static final int MAX_CONNECTIONS = 64;
    static final int MAX_SCAN_ENTRIES = 10_000;

    /** As workload E of YCSB has it. */
    static final SizeRange DEFAULT_SCAN_ENTRIES = new SizeRange(1, 100);

    /** Keys and values in flight, bytes. */
    static final long MAX_IN_FLIGHT_BYTES = 256L << 20;

    /** An {@link IllegalArgumentException} names the option, the value and what is allowed. */
    public LoadOptions {
        if ((outstanding == 0) == (rate == 0)) {
            throw new IllegalArgumentException("--outstanding and --rate: give one of them, not both");
        }
        check("--connections", connections, 1, MAX_CONNECTIONS, "connections");
        if (rate == 0) {
            check("--outstanding", outstanding, 1, MAX_PER_CONNECTION * connections, "(4096 per connection)");
        } else {
            check("--rate", rate, 1, MAX_RATE, "operations per second");
        }
        check("--read-percent", readPercent, 0, 100, "percent");
        check("--seconds", seconds, 1, MAX_SECONDS, "s");
        if (warmupSeconds != WARMUP_AUTO) {
            check("--warmup", warmupSeconds, 0, MAX_SECONDS, "s, or auto");
        }
        check("--keys", keys, 1, MAX_KEYS, "keys");
        check("--key-bytes", keyBytes, KeySpace.minKeyBytes(keys), Limits.MAX_KEY_BYTES, "bytes for that many keys");
        check("--value-bytes", values.most(), 0, Limits.MAX_VALUE_BYTES, "bytes");
        check("--scan-entries", scanEntries.most(), 1, MAX_SCAN_ENTRIES, "entries");
        if (mode.mix(readPercent).has(OperationKind.INSERT)) {
            check(
                    "--key-bytes",
                    keyBytes,
                    KeySpace.minKeyBytes(Integer.MAX_VALUE),
                    Limits.MAX_KEY_BYTES,
                    "bytes where keys are inserted");
        }
        long inFlightBytes = (long) outstanding * (keyBytes + values.most());
        if (inFlightBytes > MAX_IN_FLIGHT_BYTES) {
            throw new IllegalArgumentException("--outstanding: " + outstanding + " operations of "
                    + (keyBytes + values.most()) + " bytes are " + inFlightBytes + " bytes in flight, allowed are "
                    + MAX_IN_FLIGHT_BYTES);
        }
    }

    /** Values of one length, keys drawn uniformly, no scans. */
    public LoadOptions(
            String servers,
            Mode mode,
            int readPercent,
            int outstanding,
            int rate,
            int seconds,
            int warmupSeconds,
            int keys,
            int keyBytes,
            int valueBytes,
            int connections) {
        this(
                servers,
                mode,
                readPercent,
                outstanding,
                rate,
                seconds,
                warmupSeconds,
                keys,
                keyBytes,
                SizeRange.fixed(valueBytes),
                connections,
                KeyDistribution.UNIFORM,
                DEFAULT_SCAN_ENTRIES);
    }

    private static void check(String option, int value, int min, int max, String what) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    option + ": " + value + ", allowed are " + min + " to " + max + " " + what);
        }
    }

    /**
     * What one of several processes does of it: an equal share of outstanding operations or rate, and of connections; where one is left over
     * the first ones have it.
     */
    LoadOptions share(int number, int of) {
        return new LoadOptions(
                servers,
                mode,
                readPercent,
                part(outstanding, number, of),
                part(rate, number, of),
                seconds,
                warmupSeconds,
                keys,
                keyBytes,
                values,
                part(connections, number, of),
                distribution,
                scanEntries);
    }

    private static int part(int whole, int number, int of) {
        return whole / of + (number < whole % of ? 1 : 0);
    }

    /** As on the command line of the load generator. */
    List<String> arguments() {
        List<String> arguments = new ArrayList<>(List.of(
                "--servers",
                servers,
                mode.isWorkload() ? "--workload" : "--mode",
                mode.word(),
                openLoop() ? "--rate" : "--outstanding",
                Integer.toString(openLoop() ? rate : outstanding),
                "--seconds",
                Integer.toString(seconds),
                "--warmup",
                warmsUpUntilSettled() ? "auto" : Integer.toString(warmupSeconds),
                "--keys",
                Integer.toString(keys),
                "--key-bytes",
                Integer.toString(keyBytes),
                "--value-bytes",
                values.toString(),
                "--connections",
                Integer.toString(connections),
                "--key-distribution",
                distribution.word()));
        if (mode == Mode.MIXED) {
            arguments.addAll(List.of("--read-percent", Integer.toString(readPercent)));
        }
        if (mode == Mode.SCAN || mode == Mode.YCSB_E) {
            arguments.addAll(List.of("--scan-entries", scanEntries.toString()));
        }
        return arguments;
    }

    boolean openLoop() {
        return rate > 0;
    }

    boolean warmsUpUntilSettled() {
        return warmupSeconds == WARMUP_AUTO;
    }

    Mix mix() {
        return mode.mix(readPercent);
    }

    /** The longest. */
    public int valueBytes() {
        return values.most();
    }

    /** Whether the keys must be there before the load. */
    boolean needsKeys() {
        return mode != Mode.PUT;
    }

    /** How many operations may be in flight: exactly so many in a closed loop, at most so many in an open one. */
    public int capacity() {
        if (!openLoop()) {
            return outstanding;
        }
        long byBytes = MAX_IN_FLIGHT_BYTES / (keyBytes + values.most());
        return (int) Math.min((long) MAX_PER_CONNECTION * connections, byBytes);
    }
}
