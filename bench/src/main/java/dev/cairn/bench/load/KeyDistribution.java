package dev.cairn.bench.load;

import java.util.Locale;

/** Which keys a load takes how often. */
public enum KeyDistribution {
    /** Each as often as any other. */
    UNIFORM,
    /** Few much more often than most, with the constant 0.99; the popular ones are scattered over all keys. */
    ZIPFIAN,
    /** One after the other, and from the beginning again; all operations of a load share the sequence. */
    SEQUENTIAL,
    /** The later a key was inserted the more often, with the constant 0.99. */
    LATEST;

    /** As on the command line. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
