package dev.cairn.server.metrics;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * One exported metric: what it is called and means, and where its values come from.
 *
 * @param name in full, as a scrape shows it
 * @param unit empty for counts of things
 * @param labels names of the labels
 * @param values hands out the values, one per combination of labels
 */
record Metric(String name, Type type, String unit, String help, List<String> labels, Consumer<Sink> values) {
    /** What a value does over time. */
    enum Type {
        COUNTER,
        GAUGE,
        HISTOGRAM;

        String text() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** Takes values; label values are in the order of the labels. */
    interface Sink {
        void value(double value, String... labelValues);

        /** Counts beyond 2^53 lose their last digits. */
        default void value(final long value, final String... labelValues) {
            value((double) value, labelValues);
        }

        void histogram(Histogram histogram, String... labelValues);
    }

    static Metric counter(
            final String name,
            final String unit,
            final String help,
            final List<String> labels,
            final Consumer<Sink> values) {
        return new Metric(name, Type.COUNTER, unit, help, labels, values);
    }

    static Metric gauge(final String name, final String unit, final String help, final DoubleSupplier value) {
        return new Metric(name, Type.GAUGE, unit, help, List.of(), sink -> sink.value(value.getAsDouble()));
    }

    static Metric gauge(
            final String name,
            final String unit,
            final String help,
            final List<String> labels,
            final Consumer<Sink> values) {
        return new Metric(name, Type.GAUGE, unit, help, labels, values);
    }

    static Metric counter(final String name, final String unit, final String help, final DoubleSupplier value) {
        return new Metric(name, Type.COUNTER, unit, help, List.of(), sink -> sink.value(value.getAsDouble()));
    }

    static Metric gauge(final String name, final String unit, final String help, final LongSupplier value) {
        return new Metric(name, Type.GAUGE, unit, help, List.of(), sink -> sink.value(value.getAsLong()));
    }

    static Metric counter(final String name, final String unit, final String help, final LongSupplier value) {
        return new Metric(name, Type.COUNTER, unit, help, List.of(), sink -> sink.value(value.getAsLong()));
    }

    static Metric histogram(final String name, final String unit, final String help, final Histogram histogram) {
        return new Metric(name, Type.HISTOGRAM, unit, help, List.of(), sink -> sink.histogram(histogram));
    }
}
