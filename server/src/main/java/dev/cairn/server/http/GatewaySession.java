package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Sends writes under sessions, so that each takes effect once. A write with a client id and a sequence of its caller runs
 * in the session of that name; any other in a session of this gateway. Sessions are opened when the first write finds
 * none. Gateway's thread.
 */
final class GatewaySession {
    /** A caller's sequences below the newest by this much are closed: they get SEQUENCE_OUT_OF_WINDOW. */
    static final int OPEN_SEQUENCES = 256;

    /** A write as its request describes it. */
    @SuppressWarnings("ArrayRecordComponent") // never compared, shared or changed
    record Write(int kind, int flags, long expectedRevision, byte[] key, byte[] value) {}

    private final NodeCalls calls;
    /** 0 = none; then nothing is in flight in it either. */
    private long sessionId;

    private long lastSequence;
    private final TreeSet<Long> openSequences = new TreeSet<>();
    private boolean opening;
    private final List<Consumer<Reply>> waiting = new ArrayList<>();

    GatewaySession(final NodeCalls calls) {
        this.calls = calls;
    }

    // ---- the caller's session ------------------------------------------------------------------------------------

    /** Executes once for each (client id, sequence); a repeat gets the stored answer. */
    void writeAs(final String clientId, final long sequence, final Write write, final Consumer<Reply> then) {
        writeAs(clientId, sequence, write, true, then);
    }

    private void writeAs(
            final String clientId,
            final long sequence,
            final Write write,
            final boolean mayOpen,
            final Consumer<Reply> then) {
        final byte[] name = clientId.getBytes(UTF_8);
        // A function of the sequence alone: a repeat must be the same bytes.
        final long lowestOpen = Math.max(1, sequence - OPEN_SEQUENCES + 1);
        send(sessionIdOf(name), sequence, lowestOpen, write, reply -> {
            if (mayOpen && isExpired(reply)) {
                openNamed(name, opened -> {
                    if (opened instanceof Reply.Command command && command.status() == Status.OK) {
                        writeAs(clientId, sequence, write, false, then);
                    } else {
                        then.accept(opened);
                    }
                });
            } else {
                then.accept(reply);
            }
        });
    }

    private void openNamed(final byte[] name, final Consumer<Reply> then) {
        calls.command((encoder, out, requestId) -> encoder.openSession(out, requestId, name), then);
    }

    /** As the state machine computes it. */
    static long sessionIdOf(final byte[] name) {
        try {
            final byte[] hash = MessageDigest.getInstance("SHA-256").digest(name);
            return ByteBuffer.wrap(hash).order(ByteOrder.LITTLE_ENDIAN).getLong() | Long.MIN_VALUE;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static boolean isExpired(final Reply reply) {
        return reply instanceof Reply.Command command && command.status() == Status.SESSION_EXPIRED;
    }

    private void send(
            final long session,
            final long sequence,
            final long lowestOpen,
            final Write write,
            final Consumer<Reply> then) {
        calls.command(
                (encoder, out, requestId) -> encoder.command(
                        out,
                        requestId,
                        session,
                        sequence,
                        lowestOpen,
                        write.kind,
                        write.flags,
                        write.expectedRevision,
                        write.key,
                        new byte[0],
                        write.value),
                then);
    }

    // ---- the gateway's own ---------------------------------------------------------------------------------------

    /** Executes once; the caller has no way to ask again. */
    void write(final Write write, final Consumer<Reply> then) {
        write(write, true, then);
    }

    private void write(final Write write, final boolean mayOpen, final Consumer<Reply> then) {
        if (sessionId == 0) {
            open(reply -> {
                if (sessionId != 0) {
                    write(write, false, then);
                } else {
                    then.accept(reply);
                }
            });
            return;
        }
        if (!openSequences.isEmpty() && lastSequence - openSequences.first() >= Limits.SESSION_WINDOW - 1) {
            then.accept(new Reply.Refused(Status.BUSY, 0, "", "too many writes are under way", false));
            return;
        }
        final long session = sessionId;
        final long sequence = ++lastSequence;
        openSequences.add(sequence);
        send(session, sequence, openSequences.first(), write, reply -> {
            if (session == sessionId) {
                openSequences.remove(sequence);
            }
            if (!isExpired(reply)) {
                then.accept(reply);
                return;
            }
            if (session == sessionId) {
                forget();
            }
            if (mayOpen) {
                write(write, false, then);
            } else {
                then.accept(reply);
            }
        });
    }

    private void forget() {
        sessionId = 0;
        lastSequence = 0;
        openSequences.clear();
    }

    private void open(final Consumer<Reply> then) {
        waiting.add(then);
        if (opening) {
            return;
        }
        opening = true;
        calls.command((encoder, out, requestId) -> encoder.openSession(out, requestId), this::onOpened);
    }

    private void onOpened(final Reply reply) {
        opening = false;
        // Nothing of the write itself was sent, so an unknown outcome of the opening is none of the write.
        final Reply told = reply instanceof Reply.Refused refused
                ? new Reply.Refused(
                        refused.status(), refused.leaderId(), refused.leaderAddress(), refused.text(), false)
                : reply;
        if (reply instanceof Reply.Command command && command.status() == Status.OK) {
            sessionId = command.revision();
        }
        final List<Consumer<Reply>> all = List.copyOf(waiting);
        waiting.clear();
        all.forEach(then -> then.accept(told));
    }

    /** A write without flags. */
    static Write plain(final int kind, final byte[] key, final byte[] value) {
        return new Write(kind, 0, 0, key, value);
    }

    /** Adds to a counter. */
    static Write add(final byte[] key, final long delta) {
        return plain(
                CommandDescriptor.KIND_ADD,
                key,
                ByteBuffer.allocate(Long.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(delta)
                        .array());
    }
}
