package dev.cairn.bench.load;

import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes drawn uniformly, both ends included; least = most is one size. */
public record SizeRange(int least, int most) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,9})(?:-(\\d{1,9}))?");

    static SizeRange fixed(int size) {
        return new SizeRange(size, size);
    }

    /** {@code 256} or {@code 100-1000}; an {@link IllegalArgumentException} says what is allowed. */
    static SizeRange parse(String option, String text, int min, int max, String what) {
        Matcher matcher = FORM.matcher(text);
        if (matcher.matches()) {
            int least = Integer.parseInt(matcher.group(1));
            int most = matcher.group(2) == null ? least : Integer.parseInt(matcher.group(2));
            if (least >= min && least <= most && most <= max) {
                return new SizeRange(least, most);
            }
        }
        throw new IllegalArgumentException(option + ": " + text + ", allowed are " + min + " to " + max + " " + what
                + ", or LEAST-MOST within that");
    }

    int draw(SplittableRandom random) {
        return least == most ? least : least + random.nextInt(most - least + 1);
    }

    boolean has(int size) {
        return size >= least && size <= most;
    }

    /** As on the command line. */
    @Override
    public String toString() {
        return least == most ? Integer.toString(least) : least + "-" + most;
    }
}
