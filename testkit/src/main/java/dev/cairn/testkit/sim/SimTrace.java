package dev.cairn.testkit.sim;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * What happened, line by line: all of it goes into the hash, the last lines are kept for a report, and a full trace is
 * written where one is asked for.
 */
final class SimTrace {
    /** What a line speaks of, and the names of its numbers. */
    enum Kind {
        KNOBS("knobs", ""),
        LOOP("loop", "term last commit durable"),
        SYNC("log-sync", "durable segment offset"),
        APPLY("apply", "applied digest"),
        READER("reader", ""),
        SPARES("spares", "ready"),
        SEND("send", "to type crc copies"),
        DROP("drop", "to type crc cut"),
        DELIVER("deliver", "from type crc"),
        CONNECTION("connection-changed", "peer"),
        REQUEST("request", "client request type crc"),
        REPLY("reply", "client request type crc"),
        CLIENT_RESET("client-reset", "client connection"),
        INVOKE("invoke", "op key sequence"),
        RETURN("return", "op status number"),
        GIVE_UP("give-up", "op"),
        SESSION("session", "client id"),
        EXPIRED("expired", "op session"),
        PARTITION("partition", "cut"),
        HEAL("heal", ""),
        PAUSE("pause", "ns"),
        CRASH("crash", "host restartIn midEffect"),
        START("start", "incarnation last term applied"),
        FORCE_FAILS("force-fails", "after"),
        CLOCK("clock-jump", "ns"),
        CLOCK_RATE("clock-rate", "thousandths"),
        SLOW_LINK("slow-link", "shape other delay perByte"),
        CLIENT_CUT("cut-from-clients", "on"),
        SLOW_DISK("slow-disk", "ns until"),
        FLUSH("store-flush", "applied"),
        WRITE_BACK("write-back", ""),
        COLD("cold-reads", "on"),
        NESTED("loop-within-force", "before"),
        ROLE("role", "term leader"),
        BAD_FRAME("bad-frame", "from"),
        SNAPSHOT("snapshot", "index id bytes"),
        OFFER("offer", "to index id"),
        PIECE("piece", "from received of"),
        TRANSFER_CUT("transfer-cut", ""),
        STAGED("staged", "index id"),
        INSTALL("install", "index term commit"),
        LOG_DROPPED("log-dropped", "first"),
        ROT("rot", "offset bit"),
        REFUSED("refused", ""),
        REPAIR("repair", "epoch first last"),
        REPAIR_TARGET("repair-target", "target last leader"),
        REPAIR_DONE("repair-done", "last"),
        FULL_DISK("full-disk", "free failedWrites ns"),
        OPERATOR("operator", "target"),
        MEMBERSHIP("membership", "index");

        private final String text;
        /** Separated by blanks; at most four. */
        private final String names;

        Kind(String text, String names) {
            this.text = text;
            this.names = names;
        }
    }

    private static final int KEPT_LINES = 400;
    private static final int NUMBERS = 6;

    private final Scheduler scheduler;
    private final @Nullable Appendable full;
    private final Kind[] kinds = new Kind[KEPT_LINES];
    private final long[] numbers = new long[KEPT_LINES * NUMBERS];
    private final String[] texts = new String[KEPT_LINES];
    private final StringBuilder line = new StringBuilder(128);
    private long count;
    private long hash = 1;

    SimTrace(Scheduler scheduler, @Nullable Appendable full) {
        this.scheduler = scheduler;
        this.full = full;
    }

    void add(Kind kind, int node, long a, long b, long c, long d) {
        add(kind, node, a, b, c, d, "");
    }

    void add(Kind kind, int node, long a, long b, long c, long d, String text) {
        int slot = (int) (count % KEPT_LINES);
        int at = slot * NUMBERS;
        kinds[slot] = kind;
        numbers[at] = scheduler.nowNs();
        numbers[at + 1] = node;
        numbers[at + 2] = a;
        numbers[at + 3] = b;
        numbers[at + 4] = c;
        numbers[at + 5] = d;
        texts[slot] = text;
        count++;
        hash = SimRandom.mix(hash + 31L * kind.text.hashCode() + text.hashCode());
        for (int i = 0; i < NUMBERS; i++) {
            hash = SimRandom.mix(hash ^ numbers[at + i]);
        }
        if (full != null) {
            write(full, slot);
        }
    }

    private void write(Appendable to, int slot) {
        line.setLength(0);
        format(slot);
        try {
            to.append(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void format(int slot) {
        int at = slot * NUMBERS;
        Kind kind = kinds[slot];
        line.append(numbers[at]).append(' ');
        if (numbers[at + 1] > 0) {
            line.append('n').append(numbers[at + 1]).append(' ');
        }
        line.append(kind.text);
        int number = at + 2;
        for (String name : kind.names.split(" ", NUMBERS)) {
            if (!name.isEmpty()) {
                line.append(' ').append(name).append('=').append(numbers[number]);
            }
            number++;
        }
        if (!texts[slot].isEmpty()) {
            line.append(' ').append(texts[slot]);
        }
        line.append('\n');
    }

    /** Of everything so far: equal for equal runs. */
    long hash() {
        return hash;
    }

    /** Lines so far. */
    long count() {
        return count;
    }

    /** The last lines. */
    String tail(int lines) {
        long from = Math.max(0, count - Math.min(lines, KEPT_LINES));
        StringBuilder tail = new StringBuilder();
        for (long i = from; i < count; i++) {
            line.setLength(0);
            format((int) (i % KEPT_LINES));
            tail.append(line);
        }
        return tail.toString();
    }
}
