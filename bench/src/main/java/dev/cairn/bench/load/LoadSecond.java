package dev.cairn.bench.load;

import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * What a second of a load has brought. As a line it goes from one process of a load to the one that puts them together.
 *
 * @param at its end, seconds since the load's begin
 * @param phase warm-up, measure or ending
 * @param rate successes per second
 * @param counted latencies of the successes that began in the window, by kind, ns
 * @param outside latencies of the others
 * @param inFlight operations at its end
 * @param errors since the begin
 */
record LoadSecond(
        double at,
        String phase,
        double rate,
        Map<OperationKind, Histogram> counted,
        Histogram outside,
        int inFlight,
        long errors) {
    /** Takes one second after the other; the histograms are valid within the call. */
    interface Taker {
        void take(LoadSecond second);
    }

    /** All latencies together. */
    Histogram all() {
        Histogram all = Measurement.newHistogram();
        all.add(outside);
        counted.values().forEach(all::add);
        return all;
    }

    /** The same second of two processes, as if it were one. */
    LoadSecond plus(LoadSecond other) {
        Map<OperationKind, Histogram> both = new EnumMap<>(OperationKind.class);
        counted.forEach((kind, histogram) -> both.merge(kind, histogram, LoadSecond::sum));
        other.counted.forEach((kind, histogram) -> both.merge(kind, histogram, LoadSecond::sum));
        return new LoadSecond(
                Math.max(at, other.at),
                phase,
                rate + other.rate,
                both,
                sum(outside, other.outside),
                inFlight + other.inFlight,
                errors + other.errors);
    }

    /** Begin and end become those of both together too. */
    private static Histogram sum(Histogram one, Histogram other) {
        Histogram sum = Measurement.newHistogram();
        sum.add(one);
        sum.add(other);
        return sum;
    }

    String line() {
        StringBuilder line = new StringBuilder(
                String.format(Locale.ROOT, "%.6f %s %.6f %d %d %s", at, phase, rate, inFlight, errors, text(outside)));
        counted.forEach((kind, histogram) ->
                line.append(' ').append(kind.name()).append('=').append(text(histogram)));
        return line.toString();
    }

    /** Of {@link #line}; an {@link IllegalArgumentException} has the line. */
    static LoadSecond parse(String line) {
        String[] words = line.split(" ", -1);
        try {
            Map<OperationKind, Histogram> counted = new EnumMap<>(OperationKind.class);
            for (int i = 6; i < words.length; i++) {
                int equals = words[i].indexOf('=');
                counted.put(
                        OperationKind.valueOf(words[i].substring(0, equals)),
                        histogram(words[i].substring(equals + 1)));
            }
            return new LoadSecond(
                    Double.parseDouble(words[0]),
                    words[1],
                    Double.parseDouble(words[2]),
                    counted,
                    histogram(words[5]),
                    Integer.parseInt(words[3]),
                    Long.parseLong(words[4]));
        } catch (DataFormatException | RuntimeException e) {
            throw new IllegalArgumentException("no second of a load: " + line, e);
        }
    }

    /** Begin and end, which the encoding leaves out, and what is encoded. */
    private static String text(Histogram histogram) {
        ByteBuffer bytes = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        int length = histogram.encodeIntoCompressedByteBuffer(bytes);
        byte[] encoded = new byte[length];
        bytes.get(0, encoded);
        return histogram.getStartTimeStamp() + "," + histogram.getEndTimeStamp() + ","
                + Base64.getEncoder().withoutPadding().encodeToString(encoded);
    }

    private static Histogram histogram(String text) throws DataFormatException {
        String[] parts = text.split(",", -1);
        Histogram histogram = Histogram.decodeFromCompressedByteBuffer(
                ByteBuffer.wrap(Base64.getDecoder().decode(parts[2])), Measurement.MAX_LATENCY_NS);
        histogram.setStartTimeStamp(Long.parseLong(parts[0]));
        histogram.setEndTimeStamp(Long.parseLong(parts[1]));
        return histogram;
    }
}
