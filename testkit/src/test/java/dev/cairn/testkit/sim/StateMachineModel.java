package dev.cairn.testkit.sim;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.engine.SessionLimits;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The rules of the state machine once more, as plainly as possible: strings and maps, no batches, no caches. A string stands for bytes, one
 * character each.
 */
final class StateMachineModel {
    /**
     * A command as the client means it.
     *
     * @param key name of the session for OPEN_SESSION, from for DELETE_RANGE
     * @param value to for DELETE_RANGE, decimal for ADD
     * @param items of PUT_BATCH, in the order sent; null = delete
     */
    record Command(
            long session,
            long sequence,
            long lowestOpen,
            int kind,
            int flags,
            String key,
            long expectedRevision,
            String expected,
            String value,
            Map<String, @Nullable String> items) {
        static Command plain(long session, long sequence, long lowestOpen, int kind, String key, String value) {
            return new Command(session, sequence, lowestOpen, kind, 0, key, 0, "", value, Map.of());
        }

        /** What a repeat must have in common with the first. */
        List<Object> body() {
            return List.of(kind, flags, key, expectedRevision, expected, value, new ArrayList<>(items.entrySet()));
        }

        Command at(long newSession, long newSequence, long newLowestOpen) {
            return new Command(
                    newSession, newSequence, newLowestOpen, kind, flags, key, expectedRevision, expected, value, items);
        }

        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    record Result(Status status, long revision, String bytes) {
        Result(Status status, long revision) {
            this(status, revision, "");
        }
    }

    record Row(long created, long modified, long version, String value) {
        String bytes() {
            return longs(created, modified, version) + value;
        }
    }

    private record Answer(@Nullable List<Object> body, Result result) {}

    private static final class Session {
        final String name;
        long lastActive;
        long lowestOpen = 1;
        final TreeMap<Long, Answer> answers = new TreeMap<>();

        Session(String name) {
            this.name = name;
        }

        long storedFrom(long sequence) {
            return answers.tailMap(sequence).values().stream()
                    .mapToLong(answer -> answer.result.bytes.length())
                    .sum();
        }
    }

    private final SessionLimits limits;
    final TreeMap<String, Row> rows = new TreeMap<>();
    private final Map<Long, Session> sessions = new HashMap<>();
    private long now;
    private long digest;

    StateMachineModel(SessionLimits limits) {
        this.limits = limits;
    }

    static String longs(long... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long number : numbers) {
            bytes.putLong(number);
        }
        return new String(bytes.array(), ISO_8859_1);
    }

    static long idOf(String name) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(name.getBytes(ISO_8859_1));
            return ByteBuffer.wrap(digest).order(ByteOrder.LITTLE_ENDIAN).getLong() | 1L << 63;
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    List<Long> sessionIds() {
        return new ArrayList<>(new TreeMap<>(sessions).keySet());
    }

    int sessionCount() {
        return sessions.size();
    }

    long nextExpiry() {
        return sessions.values().stream()
                .mapToLong(session -> session.lastActive + limits.expiryMs())
                .min()
                .orElse(Long.MAX_VALUE);
    }

    long digest() {
        return digest;
    }

    /** Any entry: time passes, and the digest takes it in. */
    void tick(long index, long term, long logTime, int crc) {
        now = Math.max(now, logTime);
        sessions.values().removeIf(session -> now - session.lastActive >= limits.expiryMs());
        long withIndex = mix(digest ^ mix(index + 0x9E3779B97F4A7C15L));
        digest = mix(mix(withIndex ^ term) + Integer.toUnsignedLong(crc));
    }

    /** David Stafford's variant 13, as in SplitMix64. */
    private static long mix(long bits) {
        long z = (bits ^ bits >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    /** The command of the entry that ticked last. */
    Result apply(long index, Command command) {
        if (command.kind == CommandDescriptor.KIND_OPEN_SESSION) {
            return open(command.key.isEmpty() ? index : idOf(command.key), command.key);
        }
        Session session = sessions.get(command.session);
        if (session == null) {
            return new Result(Status.SESSION_EXPIRED, 0);
        }
        if (command.kind == CommandDescriptor.KIND_CLOSE_SESSION) {
            sessions.remove(command.session);
            return new Result(Status.OK, index);
        }
        session.lastActive = now;
        long low = Math.max(session.lowestOpen, command.lowestOpen);
        if (command.sequence < low || command.sequence - low >= limits.window()) {
            return new Result(Status.SEQUENCE_OUT_OF_WINDOW, 0);
        }
        Answer answer = session.answers.get(command.sequence);
        if (answer == null && mayHaveResult(command) && isFull(session, low)) {
            return new Result(Status.SESSION_FULL, 0);
        }
        session.lowestOpen = low;
        session.answers.headMap(low).clear();
        if (command.kind == CommandDescriptor.KIND_RESOLVE) {
            return resolve(session, command.sequence, answer);
        }
        if (answer == null) {
            Result result = execute(index, command);
            session.answers.put(command.sequence, new Answer(command.body(), result));
            return result;
        }
        boolean same = answer.body == null || answer.body.equals(command.body());
        return same ? answer.result : new Result(Status.SEQUENCE_REUSED, 0);
    }

    private static boolean mayHaveResult(Command command) {
        return command.kind == CommandDescriptor.KIND_ADD || command.has(CommandDescriptor.FLAG_WANT_PREVIOUS);
    }

    private boolean isFull(Session session, long low) {
        long own = session.storedFrom(low);
        long all = own;
        for (Session other : sessions.values()) {
            all += other == session ? 0 : other.storedFrom(0);
        }
        return own >= limits.sessionResultBytes() || all >= limits.totalResultBytes();
    }

    private static Result resolve(Session session, long sequence, @Nullable Answer answer) {
        if (answer == null) {
            session.answers.put(sequence, new Answer(null, new Result(Status.CANCELLED, 0)));
            return new Result(Status.NOT_EXECUTED, 0);
        }
        Result stored = answer.result;
        return answer.body == null
                ? new Result(Status.NOT_EXECUTED, 0)
                : new Result(Status.OK, 0, longs(stored.status.code(), stored.revision) + stored.bytes);
    }

    private Result open(long id, String name) {
        Session there = sessions.get(id);
        if (there != null) {
            if (!there.name.equals(name)) {
                return new Result(Status.SESSION_NAME_TAKEN, 0);
            }
            there.lastActive = now;
            return new Result(Status.OK, id);
        }
        if (sessions.size() >= limits.maxSessions()) {
            @Nullable Long victim = null;
            for (long other : sessionIds()) {
                if (victim == null || at(other).lastActive < at(victim).lastActive) {
                    victim = other;
                }
            }
            if (victim == null || now - at(victim).lastActive < limits.evictableIdleMs()) {
                return new Result(Status.BUSY, 0);
            }
            sessions.remove(victim);
        }
        Session session = new Session(name);
        session.lastActive = now;
        sessions.put(id, session);
        return new Result(Status.OK, id);
    }

    private Session at(long id) {
        Session session = sessions.get(id);
        if (session == null) {
            throw new AssertionError("no session " + id);
        }
        return session;
    }

    private Result execute(long index, Command command) {
        return switch (command.kind) {
            case CommandDescriptor.KIND_PUT, CommandDescriptor.KIND_DELETE -> write(index, command);
            case CommandDescriptor.KIND_ADD -> add(index, command);
            case CommandDescriptor.KIND_PUT_BATCH -> {
                command.items.forEach((key, value) -> set(index, key, value));
                yield new Result(Status.OK, index);
            }
            case CommandDescriptor.KIND_DELETE_RANGE -> {
                rows.keySet()
                        .removeIf(key -> key.compareTo(command.key) >= 0
                                && (command.value.isEmpty() || key.compareTo(command.value) < 0));
                yield new Result(Status.OK, index);
            }
            default -> throw new AssertionError("kind " + command.kind);
        };
    }

    private Result write(long index, Command command) {
        Row old = rows.get(command.key);
        String previous = old == null || !command.has(CommandDescriptor.FLAG_WANT_PREVIOUS) ? "" : old.bytes();
        boolean holds = true;
        if (command.has(CommandDescriptor.FLAG_IF_REVISION)) {
            holds = command.expectedRevision == (old == null ? 0 : old.modified);
        } else if (command.has(CommandDescriptor.FLAG_IF_VALUE)) {
            holds = old != null && old.value.equals(command.expected);
        }
        if (!holds) {
            return new Result(Status.CONDITION_FAILED, 0, previous);
        }
        boolean deletes = command.kind == CommandDescriptor.KIND_DELETE;
        if (deletes && old == null) {
            return new Result(Status.NOT_FOUND, 0);
        }
        set(index, command.key, deletes ? null : command.value);
        return new Result(Status.OK, index, previous);
    }

    private Result add(long index, Command command) {
        Row old = rows.get(command.key);
        String text = old == null ? "0" : old.value;
        if (!text.matches("-?[0-9]{1,19}") || isTooLarge(new BigInteger(text))) {
            return new Result(Status.NOT_A_NUMBER, 0);
        }
        BigInteger sum = new BigInteger(text).add(new BigInteger(command.value));
        if (isTooLarge(sum)) {
            return new Result(Status.NUMBER_OVERFLOW, 0);
        }
        set(index, command.key, sum.toString());
        return new Result(Status.OK, index, longs(sum.longValueExact()));
    }

    private static boolean isTooLarge(BigInteger number) {
        return number.bitLength() > 63;
    }

    private void set(long index, String key, @Nullable String value) {
        Row old = rows.get(key);
        if (value == null) {
            rows.remove(key);
        } else if (old == null) {
            rows.put(key, new Row(index, index, 1, value));
        } else {
            rows.put(key, new Row(old.created, index, old.version + 1, value));
        }
    }

    /** For items of a batch, which keep the order in which they were sent. */
    static Map<String, @Nullable String> noItems() {
        return new LinkedHashMap<>();
    }
}
