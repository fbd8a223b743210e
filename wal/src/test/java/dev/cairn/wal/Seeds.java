package dev.cairn.wal;

import java.util.concurrent.ThreadLocalRandom;

/** Seeds of random tests: {@code -Dseed=N} repeats one, else the run chooses. */
final class Seeds {
    private Seeds() {}

    static boolean given() {
        return !System.getProperty("seed", "").isEmpty();
    }

    static long first() {
        return given()
                ? Long.parseLong(System.getProperty("seed"))
                : ThreadLocalRandom.current().nextInt(1 << 30);
    }

    static int count(int usual) {
        return given() ? 1 : usual;
    }
}
