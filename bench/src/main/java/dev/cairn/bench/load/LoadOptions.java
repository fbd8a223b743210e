package dev.cairn.bench.load;

import dev.cairn.protocol.Limits;

/**
 * What one run of the load generator shall do; checked when made.
 *
 * @param servers client addresses, {@code host:port} separated by commas
 * @param mode kind of load
 * @param readPercent share of gets, 0 to 100; put has 0, get 100
 * @param outstanding operations kept in flight by a closed loop, count; 0 = open loop
 * @param rate operations started per second by an open loop; 0 = closed loop
 * @param seconds measured time
 * @param warmupSeconds load before it that is not counted
 * @param keys number of different keys
 * @param keyBytes length of each key
 * @param valueBytes length of each value
 * @param connections clients, each with one connection and one thread
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
        int valueBytes,
        int connections) {

    /** Kind of load. */
    public enum Mode {
        PUT,
        GET,
        MIXED;

        /** As on the command line. */
        public String word() {
            return switch (this) {
                case PUT -> "put";
                case GET -> "get";
                case MIXED -> "mixed";
            };
        }
    }

    /** A session's window: a client does not send more writes than that at once, so more would only queue inside it. */
    public static final int MAX_PER_CONNECTION = Limits.SESSION_WINDOW;

    static final int MAX_RATE = 1_000_000;
    static final int MAX_SECONDS = 86_400;
    public static final int MAX_KEYS = 100_000_000;
    public static final int MAX_CONNECTIONS = 64;

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
        check("--warmup", warmupSeconds, 0, MAX_SECONDS, "s");
        check("--keys", keys, 1, MAX_KEYS, "keys");
        check("--key-bytes", keyBytes, KeySpace.minKeyBytes(keys), Limits.MAX_KEY_BYTES, "bytes for that many keys");
        check("--value-bytes", valueBytes, 0, Limits.MAX_VALUE_BYTES, "bytes");
        long inFlightBytes = (long) outstanding * (keyBytes + valueBytes);
        if (inFlightBytes > MAX_IN_FLIGHT_BYTES) {
            throw new IllegalArgumentException("--outstanding: " + outstanding + " operations of "
                    + (keyBytes + valueBytes) + " bytes are " + inFlightBytes + " bytes in flight, allowed are "
                    + MAX_IN_FLIGHT_BYTES);
        }
    }

    private static void check(String option, int value, int min, int max, String what) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    option + ": " + value + ", allowed are " + min + " to " + max + " " + what);
        }
    }

    boolean openLoop() {
        return rate > 0;
    }

    boolean reads() {
        return readPercent > 0;
    }

    /** How many operations may be in flight: exactly so many in a closed loop, at most so many in an open one. */
    public int capacity() {
        if (!openLoop()) {
            return outstanding;
        }
        long byBytes = MAX_IN_FLIGHT_BYTES / (keyBytes + valueBytes);
        return (int) Math.min((long) MAX_PER_CONNECTION * connections, byBytes);
    }
}
