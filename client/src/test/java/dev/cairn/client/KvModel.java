package dev.cairn.client;

import dev.cairn.client.FakeServer.Command;
import dev.cairn.client.FakeServer.Connection;
import dev.cairn.client.FakeServer.ScanAsked;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.ScanDescriptor;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The replicated state as the protocol's description has it, in plain collections: keys, and sessions with stored answers. Counts
 * how often each write was executed. On the servers' thread only.
 */
final class KvModel implements FakeServer.Script {
    private static final byte[] NOTHING = new byte[0];

    /** What a command did. Nobody compares results. */
    @SuppressWarnings("ArrayRecordComponent")
    record Result(Status status, long revision, byte[] bytes) {}

    /** What a key holds. */
    record Entry(String value, long createRevision, long modRevision, long version) {
        byte[] encoded() {
            ByteBuf out = Unpooled.buffer();
            out.writeLongLE(createRevision).writeLongLE(modRevision).writeLongLE(version);
            out.writeBytes(Text.bytes(value));
            return ByteBufUtil.getBytes(out);
        }
    }

    private record Stored(String hex, Result result) {}

    private record Cursor(List<Map.Entry<String, Entry>> rest, long revision, long count, boolean countOnly) {}

    private static final class Session {
        final Map<Long, Stored> answers = new HashMap<>();
        long low = 1;
    }

    final NavigableMap<String, Entry> entries = new TreeMap<>();
    final Map<String, Integer> executions = new HashMap<>();
    final List<String> violations = new ArrayList<>();
    final Map<Long, Object> cursors = new HashMap<>();
    private final Map<Long, Session> sessions = new HashMap<>();
    private long index = 100;
    private long lastCursor;

    /** Entries per chunk of a scan. */
    int chunkEntries = 3;

    void expireSessions() {
        sessions.clear();
    }

    int sessionCount() {
        return sessions.size();
    }

    Result execute(Command command) {
        index++;
        if (command.kind() == CommandDescriptor.KIND_OPEN_SESSION) {
            sessions.put(index, new Session());
            return new Result(Status.OK, index, NOTHING);
        }
        Session session = sessions.get(command.session());
        if (session == null) {
            return new Result(Status.SESSION_EXPIRED, index, NOTHING);
        }
        if (command.lowestOpen() > command.sequence()) {
            violations.add("the lowest open sequence is above that of " + command);
        }
        session.low = Math.max(session.low, command.lowestOpen());
        long low = session.low;
        session.answers.keySet().removeIf(sequence -> sequence < low);
        if (command.sequence() < low || command.sequence() >= low + Limits.SESSION_WINDOW) {
            return new Result(Status.SEQUENCE_OUT_OF_WINDOW, index, NOTHING);
        }
        Stored stored = session.answers.get(command.sequence());
        if (command.kind() == CommandDescriptor.KIND_RESOLVE) {
            return resolve(session, command.sequence(), stored);
        }
        if (stored != null) {
            if (!stored.hex().isEmpty() && !stored.hex().equals(command.hex())) {
                violations.add("other bytes under the sequence of " + command);
                return new Result(Status.SEQUENCE_REUSED, index, NOTHING);
            }
            return stored.result();
        }
        Result result = apply(command);
        session.answers.put(command.sequence(), new Stored(command.hex(), result));
        return result;
    }

    private Result resolve(Session session, long sequence, @Nullable Stored stored) {
        if (stored == null) {
            session.answers.put(sequence, new Stored("", new Result(Status.CANCELLED, index, NOTHING)));
            return new Result(Status.NOT_EXECUTED, index, NOTHING);
        }
        Result result = stored.result();
        if (result.status() == Status.CANCELLED) {
            return new Result(Status.NOT_EXECUTED, index, NOTHING);
        }
        ByteBuf out = Unpooled.buffer();
        out.writeLongLE(result.status().code()).writeLongLE(result.revision()).writeBytes(result.bytes());
        return new Result(Status.OK, index, ByteBufUtil.getBytes(out));
    }

    private Result apply(Command command) {
        String key = command.key();
        switch (command.kind()) {
            case CommandDescriptor.KIND_PUT, CommandDescriptor.KIND_DELETE -> {
                return applyWrite(command, key);
            }
            case CommandDescriptor.KIND_ADD -> {
                return applyAdd(command, key);
            }
            case CommandDescriptor.KIND_PUT_BATCH -> {
                for (Map.Entry<String, Optional<String>> item : command.items().entrySet()) {
                    executed(item.getKey() + "=" + item.getValue().orElse(""));
                    write(item.getKey(), item.getValue().orElse(null));
                }
                return new Result(Status.OK, index, NOTHING);
            }
            case CommandDescriptor.KIND_DELETE_RANGE -> {
                executed(key + ".." + command.value());
                entries.keySet()
                        .removeIf(k -> k.compareTo(key) >= 0
                                && (command.value().isEmpty() || k.compareTo(command.value()) < 0));
                return new Result(Status.OK, index, NOTHING);
            }
            case CommandDescriptor.KIND_CLOSE_SESSION -> {
                sessions.remove(command.session());
                return new Result(Status.OK, index, NOTHING);
            }
            default -> throw new IllegalStateException("kind " + command.kind());
        }
    }

    private Result applyWrite(Command command, String key) {
        int flags = command.hex().isEmpty() ? 0 : command.flags();
        Entry before = entries.get(key);
        boolean want = (flags & CommandDescriptor.FLAG_WANT_PREVIOUS) != 0;
        byte[] previous = want && before != null ? before.encoded() : NOTHING;
        boolean holds = true;
        if ((flags & CommandDescriptor.FLAG_IF_REVISION) != 0) {
            holds = (before == null ? 0 : before.modRevision()) == command.expectedRevision();
        } else if ((flags & CommandDescriptor.FLAG_IF_VALUE) != 0) {
            holds = before != null && before.value().equals(command.expectedValue());
        }
        if (!holds) {
            return new Result(Status.CONDITION_FAILED, index, previous);
        }
        if (command.kind() == CommandDescriptor.KIND_DELETE) {
            executed("-" + key);
            write(key, null);
            return new Result(before == null ? Status.NOT_FOUND : Status.OK, index, previous);
        }
        executed(key + "=" + command.value());
        write(key, command.value());
        return new Result(Status.OK, index, previous);
    }

    private Result applyAdd(Command command, String key) {
        executed("+" + key);
        Entry before = entries.get(key);
        try {
            long sum = Math.addExact(before == null ? 0 : Long.parseLong(before.value()), command.delta());
            write(key, Long.toString(sum));
            return new Result(
                    Status.OK, index, ByteBufUtil.getBytes(Unpooled.buffer(8).writeLongLE(sum)));
        } catch (NumberFormatException e) {
            return new Result(Status.NOT_A_NUMBER, index, NOTHING);
        } catch (ArithmeticException e) {
            return new Result(Status.NUMBER_OVERFLOW, index, NOTHING);
        }
    }

    private void executed(String what) {
        executions.merge(what, 1, Integer::sum);
    }

    private void write(String key, @Nullable String value) {
        Entry before = entries.get(key);
        if (value == null) {
            entries.remove(key);
        } else if (before == null) {
            entries.put(key, new Entry(value, index, index, 1));
        } else {
            entries.put(key, new Entry(value, before.createRevision(), index, before.version() + 1));
        }
    }

    @Override
    public void onCommand(Connection connection, Command command) {
        Result result = execute(command);
        connection.commandReply(command.requestId(), result.status(), result.revision(), result.bytes());
    }

    @Override
    public void onGet(Connection connection, long requestId, int readMode, long minRevision, String key) {
        Entry entry = entries.get(key);
        if (entry == null) {
            connection.getReplyNotFound(requestId);
        } else {
            connection.getReply(requestId, entry.value(), entry.createRevision(), entry.modRevision(), entry.version());
        }
    }

    @Override
    public void onMultiGet(Connection connection, long requestId, int readMode, List<String> keys) {
        connection.reply((encoder, out) -> {
            int start = encoder.beginMultiGetReply(out, requestId, Status.OK, index, keys.size());
            for (String key : keys) {
                Entry entry = entries.get(key);
                if (entry == null) {
                    encoder.multiGetEntry(out, 0, 0, 0, null);
                } else {
                    byte[] value = Text.bytes(entry.value());
                    encoder.multiGetEntry(out, entry.createRevision(), entry.modRevision(), entry.version(), value);
                }
            }
            encoder.end(out, start);
        });
    }

    @Override
    public void onScan(Connection connection, ScanAsked scan) {
        NavigableMap<String, Entry> range = scan.to().isEmpty()
                ? entries.tailMap(scan.from(), true)
                : entries.subMap(scan.from(), true, scan.to(), false);
        if ((scan.flags() & ScanDescriptor.FLAG_REVERSE) != 0) {
            range = range.descendingMap();
        }
        List<Map.Entry<String, Entry>> found = new ArrayList<>();
        for (Map.Entry<String, Entry> entry : range.entrySet()) {
            if (scan.limit() == 0 || found.size() < scan.limit()) {
                Entry e = entry.getValue();
                boolean keysOnly = (scan.flags() & ScanDescriptor.FLAG_KEYS_ONLY) != 0;
                found.add(Map.entry(
                        entry.getKey(),
                        keysOnly ? new Entry("", e.createRevision(), e.modRevision(), e.version()) : e));
            }
        }
        boolean countOnly = (scan.flags() & ScanDescriptor.FLAG_COUNT_ONLY) != 0;
        chunk(connection, scan.requestId(), ++lastCursor, new Cursor(found, index, 0, countOnly));
    }

    @Override
    public void onScanNext(Connection connection, long requestId, long cursorId) {
        if (cursors.remove(cursorId) instanceof Cursor cursor) {
            chunk(connection, requestId, cursorId, cursor);
        } else {
            connection.reply((encoder, out) ->
                    encoder.end(out, encoder.beginScanReply(out, requestId, Status.CURSOR_EXPIRED, false, 0, 0, 0, 0)));
        }
    }

    private void chunk(Connection connection, long requestId, long cursorId, Cursor cursor) {
        int size = Math.min(chunkEntries, cursor.rest().size());
        List<Map.Entry<String, Entry>> chunk = cursor.rest().subList(0, size);
        List<Map.Entry<String, Entry>> rest =
                cursor.rest().subList(size, cursor.rest().size());
        boolean more = !rest.isEmpty();
        long count = cursor.count() + size;
        if (more) {
            cursors.put(cursorId, new Cursor(rest, cursor.revision(), count, cursor.countOnly()));
        }
        connection.reply((encoder, out) -> {
            int start = encoder.beginScanReply(
                    out,
                    requestId,
                    Status.OK,
                    more,
                    cursor.countOnly() ? 0 : size,
                    more ? cursorId : 0,
                    cursor.revision(),
                    count);
            if (!cursor.countOnly()) {
                for (Map.Entry<String, Entry> entry : chunk) {
                    Entry e = entry.getValue();
                    byte[] value = Text.bytes(e.value());
                    encoder.scanEntry(
                            out, Text.bytes(entry.getKey()), value, e.createRevision(), e.modRevision(), e.version());
                }
            }
            encoder.end(out, start);
        });
    }

    @Override
    public void onScanClose(Connection connection, long requestId, long cursorId) {
        cursors.remove(cursorId);
        connection.reply((encoder, out) ->
                encoder.end(out, encoder.beginScanReply(out, requestId, Status.OK, false, 0, 0, 0, 0)));
    }

    @Override
    public void onWaitApplied(Connection connection, long requestId, long wanted, int timeoutMs) {
        if (index >= wanted) {
            connection.reply((encoder, out) -> encoder.waitAppliedReply(out, requestId, index));
        } else {
            // A real server would wait; the client asks in slices either way.
            connection.error(requestId, Status.DEADLINE, "");
        }
    }

    @Override
    public void onStatus(Connection connection, long requestId) {
        connection.statusReply(requestId, new NodeStatus(1, 4, 1, 1, index, index, index, index, 0, 1, ""));
    }

    @Override
    public void onNodeDetails(Connection connection, long requestId) {
        connection.reply((encoder, out) -> encoder.nodeDetailsReply(out, requestId, "{\"nodeId\":1}"));
    }
}
