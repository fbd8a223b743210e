package dev.cairn.testkit.sim;

import dev.cairn.engine.SessionLimits;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The rules of the state machine once more, as plainly as possible: strings and maps, no batches, no bytes. */
final class StateMachineModel {
    /** A command as the client means it; {@code body} is what a repeat must have in common with the first. */
    record Command(long session, long sequence, long lowestOpen, int kind, String key, String value) {
        String body() {
            return kind + "/" + key + "/" + value;
        }

        Command withLowestOpen(long sequenceNow) {
            return new Command(session, sequence, sequenceNow, kind, key, value);
        }
    }

    record Result(Status status, long revision) {}

    record Row(long created, long modified, long version, String value) {}

    private record Answer(String body, Result result) {}

    private static final class Session {
        long lastActive;
        long lowestOpen = 1;
        final TreeMap<Long, Answer> answers = new TreeMap<>();
    }

    private final SessionLimits limits;
    final TreeMap<String, Row> rows = new TreeMap<>();
    private final Map<Long, Session> sessions = new HashMap<>();
    private long now;

    StateMachineModel(SessionLimits limits) {
        this.limits = limits;
    }

    List<Long> sessionIds() {
        return new ArrayList<>(new TreeMap<>(sessions).keySet());
    }

    void tick(long logTime) {
        now = Math.max(now, logTime);
    }

    Result apply(long index, long logTime, Command command) {
        tick(logTime);
        if (command.kind == CommandDescriptor.KIND_OPEN_SESSION) {
            return open(index);
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
        session.lowestOpen = low;
        session.answers.headMap(low).clear();
        Answer answer = session.answers.get(command.sequence);
        if (answer != null) {
            return answer.body.equals(command.body()) ? answer.result : new Result(Status.SEQUENCE_REUSED, 0);
        }
        Result result = execute(index, command);
        session.answers.put(command.sequence, new Answer(command.body(), result));
        return result;
    }

    private Result open(long index) {
        if (sessions.size() >= limits.maxSessions()) {
            @Nullable Long victim = null;
            for (long id : sessionIds()) {
                if (victim == null || at(id).lastActive < at(victim).lastActive) {
                    victim = id;
                }
            }
            if (victim == null || now - at(victim).lastActive < limits.evictableIdleMs()) {
                return new Result(Status.BUSY, 0);
            }
            sessions.remove(victim);
        }
        Session session = new Session();
        session.lastActive = now;
        sessions.put(index, session);
        return new Result(Status.OK, index);
    }

    private Session at(long id) {
        Session session = sessions.get(id);
        if (session == null) {
            throw new AssertionError("no session " + id);
        }
        return session;
    }

    private Result execute(long index, Command command) {
        Row old = rows.get(command.key);
        if (command.kind == CommandDescriptor.KIND_DELETE) {
            rows.remove(command.key);
            return old == null ? new Result(Status.NOT_FOUND, 0) : new Result(Status.OK, index);
        }
        rows.put(
                command.key,
                old == null
                        ? new Row(index, index, 1, command.value)
                        : new Row(old.created, index, old.version + 1, command.value));
        return new Result(Status.OK, index);
    }
}
