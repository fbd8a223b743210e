package dev.cairn.bench.scale;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What is changed while all else stays as {@link ScalePoint#base} has it. */
enum Axis {
    /** Length of a value, bytes. */
    VALUE,
    /** Different keys, all of them there. */
    KEYS,
    CONNECTIONS,
    /** Operations that one client keeps in flight. */
    OUTSTANDING,
    /** Voters. */
    NODES,
    /** From node to node, milliseconds each way. */
    DELAY;

    /** Values in flight, bytes: larger ones come with fewer outstanding. */
    static final int MAX_IN_FLIGHT_BYTES = 16 << 20;
    /** All values together, bytes, on the axis of values: larger ones come with fewer keys. */
    static final int MAX_VALUE_AXIS_BYTES = 64 << 20;
    /** Small, so that many keys fit. */
    static final int KEYS_AXIS_VALUE_BYTES = 64;
    /** So many that what the nodes have under way bounds a slow network, and not the client. */
    static final int DELAY_OUTSTANDING = 16_384;

    static final int DELAY_CONNECTIONS = 4;

    /** As on the command line. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Ascending. */
    List<Integer> steps() {
        return switch (this) {
            case VALUE -> List.of(16, 256, 4 << 10, 64 << 10, 1 << 20);
            case KEYS -> List.of(1_000, 10_000, 100_000, 1_000_000, 10_000_000);
            case CONNECTIONS -> List.of(1, 10, 100, 1_000, 4_000, 5_000);
            case OUTSTANDING -> List.of(1, 4, 16, 64, 256, 1_024, 4_096);
            case NODES -> List.of(1, 3, 5, 7);
            case DELAY -> List.of(0, 1, 10, 50);
        };
    }

    /**
     * Ascending. The axis of delays begins with nodes that dial each other without a proxy.
     *
     * @param keys on axes that do not say otherwise
     */
    List<ScalePoint> points(int keys) {
        List<ScalePoint> points =
                steps().stream().map(value -> point(value, keys)).toList();
        if (this != DELAY) {
            return points;
        }
        ScalePoint first = points.get(0);
        return Stream.concat(
                        Stream.of(new ScalePoint(
                                this,
                                0,
                                first.nodes(),
                                ScalePoint.NO_PROXY,
                                first.valueBytes(),
                                keys,
                                first.connections(),
                                first.outstanding())),
                        points.stream())
                .toList();
    }

    private ScalePoint point(int value, int keys) {
        ScalePoint base = ScalePoint.base(this, value, keys);
        return switch (this) {
            case VALUE ->
                base.withValueBytes(value)
                        .withKeys(Math.min(keys, Math.max(64, MAX_VALUE_AXIS_BYTES / value)))
                        .withLoad(1, Math.min(base.outstanding(), Math.max(1, MAX_IN_FLIGHT_BYTES / value)));
            case KEYS -> base.withKeys(value).withValueBytes(KEYS_AXIS_VALUE_BYTES);
            case CONNECTIONS -> base.withLoad(value, Math.max(base.outstanding(), value));
            case OUTSTANDING -> base.withLoad(1, value);
            case NODES -> base.withNodes(value);
            case DELAY -> base.withDelayMs(value).withLoad(DELAY_CONNECTIONS, DELAY_OUTSTANDING);
        };
    }
}
