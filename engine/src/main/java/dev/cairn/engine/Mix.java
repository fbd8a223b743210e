package dev.cairn.engine;

/** Bit mixer: the finaliser of SplitMix64 (Steele, Lea, Flood 2014). The digest depends on it, so it never changes. */
final class Mix {
    private Mix() {}

    static long mix(long bits) {
        long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    static long digest(long digest, long index, long term, int entryCrc) {
        long withIndex = mix(digest ^ mix(index + 0x9E3779B97F4A7C15L));
        return mix(mix(withIndex ^ term) + (entryCrc & 0xFFFF_FFFFL));
    }
}
