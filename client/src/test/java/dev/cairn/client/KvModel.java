package dev.cairn.client;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The replicated state as the protocol's description has it, in plain collections: keys, and sessions with stored answers. Counts
 * how often each write was executed. On the servers' thread only.
 */
final class KvModel implements FakeServer.Script {
    /** What a command did. */
    record Result(Status status, long revision) {}

    private record Stored(String hex, Result result) {}

    private static final class Session {
        final Map<Long, Stored> answers = new HashMap<>();
        long low = 1;
    }

    final Map<String, String> values = new HashMap<>();
    final Map<String, Long> createRevisions = new HashMap<>();
    final Map<String, Integer> executions = new HashMap<>();
    final List<String> violations = new ArrayList<>();
    private final Map<Long, Session> sessions = new HashMap<>();
    private long index = 100;

    void expireSessions() {
        sessions.clear();
    }

    int sessionCount() {
        return sessions.size();
    }

    Result execute(FakeServer.Command command) {
        index++;
        if (command.kind() == CommandDescriptor.KIND_OPEN_SESSION) {
            sessions.put(index, new Session());
            return new Result(Status.OK, index);
        }
        Session session = sessions.get(command.session());
        if (session == null) {
            return new Result(Status.SESSION_EXPIRED, index);
        }
        session.low = Math.max(session.low, command.lowestOpen());
        long low = session.low;
        session.answers.keySet().removeIf(sequence -> sequence < low);
        if (command.sequence() < low || command.sequence() >= low + Limits.SESSION_WINDOW) {
            return new Result(Status.SEQUENCE_OUT_OF_WINDOW, index);
        }
        Stored stored = session.answers.get(command.sequence());
        if (stored != null) {
            if (!stored.hex().equals(command.hex())) {
                violations.add("other bytes under the sequence of " + command);
                return new Result(Status.SEQUENCE_REUSED, index);
            }
            return stored.result();
        }
        Result result = apply(command);
        session.answers.put(command.sequence(), new Stored(command.hex(), result));
        return result;
    }

    private Result apply(FakeServer.Command command) {
        switch (command.kind()) {
            case CommandDescriptor.KIND_PUT -> {
                executions.merge(command.key() + "=" + command.value(), 1, Integer::sum);
                values.put(command.key(), command.value());
                createRevisions.putIfAbsent(command.key(), index);
                return new Result(Status.OK, index);
            }
            case CommandDescriptor.KIND_DELETE -> {
                executions.merge("-" + command.key(), 1, Integer::sum);
                createRevisions.remove(command.key());
                return new Result(values.remove(command.key()) == null ? Status.NOT_FOUND : Status.OK, index);
            }
            case CommandDescriptor.KIND_CLOSE_SESSION -> {
                sessions.remove(command.session());
                return new Result(Status.OK, index);
            }
            default -> throw new IllegalStateException("kind " + command.kind());
        }
    }

    @Override
    public void onCommand(FakeServer.Connection connection, FakeServer.Command command) {
        Result result = execute(command);
        connection.commandReply(command.requestId(), result.status(), result.revision());
    }

    @Override
    public void onGet(FakeServer.Connection connection, long requestId, int readMode, long minRevision, String key) {
        @Nullable String value = values.get(key);
        if (value == null) {
            connection.getReplyNotFound(requestId);
        } else {
            connection.getReply(requestId, value, createRevisions.getOrDefault(key, 0L), index, 1);
        }
    }
}
