package dev.cairn.testkit.sim;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.cairn.engine.SessionLimits;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the committed entries mean, as plainly as possible: every (session, sequence) once. Nodes and replies are compared
 * with it.
 */
final class ReferenceModel {
    /** What stands under a key. A character stands for a byte, here and in {@link Answer}. */
    record Row(String value, long created, long modified, long version) {
        String bytes() {
            return longs(created, modified, version) + value;
        }
    }

    /** What the client is told. */
    record Answer(Status status, long revision, String result) {
        Answer(Status status, long revision) {
            this(status, revision, "");
        }
    }

    static String longs(long... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long number : numbers) {
            bytes.putLong(number);
        }
        return new String(bytes.array(), ISO_8859_1);
    }

    private static final class Session {
        long lowestOpen = 1;
        long activeMs;
        boolean expired;
        final Map<Long, Answer> answers = new HashMap<>();
    }

    /** The answer that stands for a sequence which a RESOLVE has cancelled. */
    static final Answer CANCELLED = new Answer(Status.CANCELLED, 0);

    /** By key: index of each change, negative where it removed the row. */
    private final Map<String, List<Long>> changes = new HashMap<>();

    private final TreeMap<String, Row> rows = new TreeMap<>();
    /** Those that have expired are kept: answers of them may still come. */
    private final Map<Long, Session> sessions = new HashMap<>();

    private long logTimeMs;

    void apply(LogEntry entry) {
        logTimeMs = Math.max(logTimeMs, entry.logTimeMs);
        sessions.values()
                .forEach(session ->
                        session.expired |= logTimeMs - session.activeMs >= SessionLimits.REPLICATED.expiryMs());
        if (!entry.isCommand()) {
            return;
        }
        Session session = entry.isOpenSession()
                ? sessions.computeIfAbsent(entry.index, opened -> new Session())
                : sessions.get(entry.sessionId);
        if (session == null || session.expired) {
            return;
        }
        session.activeMs = logTimeMs;
        if (entry.isOpenSession()) {
            return;
        }
        long low = Math.max(session.lowestOpen, entry.lowestOpen);
        if (entry.sequence < low) {
            return;
        }
        session.lowestOpen = low;
        if (!session.answers.containsKey(entry.sequence)) {
            session.answers.put(entry.sequence, execute(entry));
        }
    }

    private Answer execute(LogEntry entry) {
        return switch (entry.kind) {
            case CommandDescriptor.KIND_PUT, CommandDescriptor.KIND_DELETE -> write(entry);
            case CommandDescriptor.KIND_ADD -> add(entry);
            case CommandDescriptor.KIND_PUT_BATCH -> {
                entry.items().forEach((key, value) -> set(entry.index, key, value));
                yield new Answer(Status.OK, entry.index);
            }
            case CommandDescriptor.KIND_DELETE_RANGE -> {
                new ArrayList<>(rows.subMap(entry.key, entry.text).keySet())
                        .forEach(key -> set(entry.index, key, null));
                yield new Answer(Status.OK, entry.index);
            }
            case CommandDescriptor.KIND_RESOLVE -> CANCELLED;
            default -> throw new InvariantBroken("model", "kind " + entry.kind);
        };
    }

    private Answer write(LogEntry entry) {
        Row row = rows.get(entry.key);
        String previous = row == null || !entry.has(CommandDescriptor.FLAG_WANT_PREVIOUS) ? "" : row.bytes();
        boolean holds = true;
        if (entry.has(CommandDescriptor.FLAG_IF_REVISION)) {
            holds = entry.expectedRevision == (row == null ? 0 : row.modified);
        } else if (entry.has(CommandDescriptor.FLAG_IF_VALUE)) {
            holds = row != null && row.value.equals(entry.expected);
        }
        boolean deletes = entry.kind == CommandDescriptor.KIND_DELETE;
        if (!holds) {
            return new Answer(Status.CONDITION_FAILED, 0, previous);
        }
        if (deletes && row == null) {
            return new Answer(Status.NOT_FOUND, 0);
        }
        set(entry.index, entry.key, deletes ? null : entry.text);
        return new Answer(Status.OK, entry.index, previous);
    }

    /** The simulator's counters stay small. */
    private Answer add(LogEntry entry) {
        Row row = rows.get(entry.key);
        long difference = ByteBuffer.wrap(entry.text.getBytes(ISO_8859_1))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        long sum = (row == null ? 0 : Long.parseLong(row.value)) + difference;
        set(entry.index, entry.key, Long.toString(sum));
        return new Answer(Status.OK, entry.index, longs(sum));
    }

    private void set(long index, String key, @Nullable String value) {
        Row row = rows.get(key);
        if (value != null) {
            rows.put(key, new Row(value, row == null ? index : row.created, index, row == null ? 1 : row.version + 1));
            changesOf(key).add(index);
        } else if (row != null) {
            rows.remove(key);
            changesOf(key).add(-index);
        }
    }

    private List<Long> changesOf(String key) {
        return changes.computeIfAbsent(key, any -> new ArrayList<>());
    }

    /** Whether the key had this revision (0 = no row) when {@code index} was applied, or at any time since. */
    boolean stoodSince(long index, String key, long revision) {
        List<Long> ofKey = changesOf(key);
        long stood = 0;
        int next = 0;
        while (next < ofKey.size() && Math.abs(ofKey.get(next)) <= index) {
            stood = Math.max(0, ofKey.get(next));
            next++;
        }
        boolean found = stood == revision;
        for (; !found && next < ofKey.size(); next++) {
            found = Math.max(0, ofKey.get(next)) == revision;
        }
        return found;
    }

    boolean hasSession(long sessionId) {
        return sessions.containsKey(sessionId);
    }

    boolean hasExpired(long sessionId) {
        Session session = sessions.get(sessionId);
        return session != null && session.expired;
    }

    /** The answer to a sequence; null when it was never executed. */
    @Nullable
    Answer answer(long sessionId, long sequence) {
        Session session = sessions.get(sessionId);
        return session == null ? null : session.answers.get(sequence);
    }

    Map<String, Row> rows() {
        return rows;
    }
}
