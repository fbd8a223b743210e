package dev.cairn.testkit.sim;

import dev.cairn.protocol.Status;
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
    /** What stands under a key. */
    record Row(long value, long created, long modified, long version) {}

    /** What the client is told. */
    record Answer(Status status, long revision) {}

    private static final class Session {
        long lowestOpen = 1;
        final Map<Long, Answer> answers = new HashMap<>();
    }

    /** By key: index of each change, negative where it removed the row. */
    private final Map<String, List<Long>> changes = new HashMap<>();

    private final TreeMap<String, Row> rows = new TreeMap<>();
    private final Map<Long, Session> sessions = new HashMap<>();

    void apply(LogEntry entry) {
        if (entry.isOpenSession()) {
            sessions.put(entry.index, new Session());
            return;
        }
        Session session = sessions.get(entry.sessionId);
        if (!entry.isCommand() || session == null) {
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
        Row row = rows.get(entry.key);
        if (entry.isPut()) {
            rows.put(
                    entry.key,
                    new Row(
                            entry.value,
                            row == null ? entry.index : row.created,
                            entry.index,
                            row == null ? 1 : row.version + 1));
            changesOf(entry.key).add(entry.index);
            return new Answer(Status.OK, entry.index);
        }
        if (row == null) {
            return new Answer(Status.NOT_FOUND, 0);
        }
        rows.remove(entry.key);
        changesOf(entry.key).add(-entry.index);
        return new Answer(Status.OK, entry.index);
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
