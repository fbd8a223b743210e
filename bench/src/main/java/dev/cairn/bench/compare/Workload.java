package dev.cairn.bench.compare;

import dev.cairn.bench.load.LoadOptions;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A load of a comparison, named as the files of the load generator are: {@code put-o256} is puts with 256 outstanding,
 * {@code put-r1000} is 1 000 puts due per second.
 *
 * @param open true = {@code amount} is a rate, else a number of operations outstanding
 */
record Workload(LoadOptions.Mode mode, boolean open, int amount) {
    private static final Pattern FORM = Pattern.compile("(put|get)-([or])([1-9]\\d{0,6})");

    /** An {@link IllegalArgumentException} says what is allowed. */
    static Workload parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("--workloads: " + text
                    + ", allowed are put-oN, get-oN (N outstanding), put-rN and get-rN (N due per second)");
        }
        return new Workload(
                matcher.group(1).equals("put") ? LoadOptions.Mode.PUT : LoadOptions.Mode.GET,
                matcher.group(2).equals("r"),
                Integer.parseInt(matcher.group(3)));
    }

    boolean reads() {
        return mode == LoadOptions.Mode.GET;
    }

    /** For the load generator. */
    List<String> arguments() {
        return List.of("--mode", mode.word(), open ? "--rate" : "--outstanding", Integer.toString(amount));
    }

    @Override
    public String toString() {
        return mode.word() + '-' + (open ? 'r' : 'o') + amount;
    }
}
