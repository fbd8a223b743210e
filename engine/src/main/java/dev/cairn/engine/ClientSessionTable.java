package dev.cairn.engine;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.Status;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * All open sessions, in memory, with one row each in the store. Owned by the apply thread.
 *
 * <p>Invariant after each batch: the rows of the store are exactly the sessions in memory. A session that a batch touches is written once, at
 * its end; one that is closed is deleted at once and not written again.
 *
 * <p>A session without a command for {@link SessionLimits#expiryMs} of log time is closed by the first entry, of any type, at or behind that
 * time. Sessions stand in a list by their last activity, so the next one to expire is its first; log time never goes back, so activity moves a
 * session to the end. Among equal times the order in the list means nothing: it does not survive a restart.
 *
 * <p>The number of sessions is bounded by {@link SessionLimits#maxSessions}. At the bound a new session takes the place of the one idle
 * longest in log time (of several the one with the lowest id), if that one has been idle for {@link SessionLimits#evictableIdleMs}; otherwise
 * opening is refused. So clients that died without closing are cleared away, while a flood of new sessions cannot push out those at work. A client
 * whose session went is told so at its next command, which executes nothing.
 */
final class ClientSessionTable {
    private final KvStore store;
    private final SessionLimits limits;
    private final Long2ObjectHashMap<ClientSession> sessions = new Long2ObjectHashMap<>();
    private final ArrayList<ClientSession> touched = new ArrayList<>();
    private final UnsafeBuffer rowKey = new UnsafeBuffer(new byte[Long.BYTES]);
    private final MessageDigest nameDigest = sha256();

    /** Ends of the list by last activity. */
    private @Nullable ClientSession idlest;

    private @Nullable ClientSession busiest;

    /** Over all sessions. */
    private long resultBytes;

    /** Loads what the store holds. */
    ClientSessionTable(KvStore store, SessionLimits limits) {
        this.store = store;
        this.limits = limits;
        ArrayList<ClientSession> loaded = new ArrayList<>();
        store.scan(RowKind.SESSION, (key, keyOffset, keyLength, value, valueOffset, valueLength) -> {
            if (keyLength != Long.BYTES) {
                throw new BrokenInvariantException("session row with a key of " + keyLength + " bytes, expected 8");
            }
            loaded.add(ClientSession.decode(key.getLong(keyOffset, BIG_ENDIAN), value, valueOffset, valueLength));
        });
        loaded.sort(Comparator.comparingLong(ClientSession::lastActiveLogTimeMs));
        for (ClientSession session : loaded) {
            sessions.put(session.id(), session);
            append(session);
            resultBytes += session.resultBytes();
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    int size() {
        return sessions.size();
    }

    @Nullable
    ClientSession find(long id) {
        return sessions.get(id);
    }

    /** The id that a name chooses: a negative number, so that no index of a log entry is the same. */
    long idOf(byte[] name) {
        return ByteBuffer.wrap(nameDigest.digest(name)).order(LITTLE_ENDIAN).getLong() | Long.MIN_VALUE;
    }

    /** Opens a session; null when all places are taken by sessions that may not be evicted. */
    @Nullable
    ClientSession open(long id, byte[] name, long logTimeMs) {
        if (sessions.size() >= limits.maxSessions() && !evictIdlest(logTimeMs)) {
            return null;
        }
        ClientSession session = new ClientSession(id, name, logTimeMs);
        sessions.put(id, session);
        append(session);
        touch(session, logTimeMs);
        return session;
    }

    private boolean evictIdlest(long logTimeMs) {
        ClientSession victim = idlest;
        if (victim == null || logTimeMs - victim.lastActiveLogTimeMs() < limits.evictableIdleMs()) {
            return false;
        }
        ClientSession other = victim.busier;
        while (other != null && other.lastActiveLogTimeMs() == victim.lastActiveLogTimeMs()) {
            victim = other.id() < victim.id() ? other : victim;
            other = other.busier;
        }
        close(victim);
        return true;
    }

    /** Closes the sessions that are idle for too long at this log time. */
    void expire(long logTimeMs) {
        while (idlest != null && logTimeMs - idlest.lastActiveLogTimeMs() >= limits.expiryMs()) {
            close(idlest);
        }
    }

    /** Log time at which {@link #expire} will find something; {@link Long#MAX_VALUE} when there is no session. */
    long nextExpiryLogTimeMs() {
        return idlest == null ? Long.MAX_VALUE : idlest.lastActiveLogTimeMs() + limits.expiryMs();
    }

    /** Forgets the session and its answers. */
    void close(ClientSession session) {
        session.close();
        sessions.remove(session.id());
        unlink(session);
        resultBytes -= session.resultBytes();
        rowKey.putLong(0, session.id(), BIG_ENDIAN);
        store.delete(RowKind.SESSION, rowKey, 0, Long.BYTES);
    }

    /** Notes activity; the session's row will be written with this batch. */
    void touch(ClientSession session, long logTimeMs) {
        if (session.lastActiveLogTimeMs() != logTimeMs) {
            unlink(session);
            append(session);
        }
        if (session.touch(logTimeMs)) {
            touched.add(session);
        }
    }

    private void append(ClientSession session) {
        session.idler = busiest;
        session.busier = null;
        if (busiest == null) {
            idlest = session;
        } else {
            busiest.busier = session;
        }
        busiest = session;
    }

    private void unlink(ClientSession session) {
        ClientSession before = session.idler;
        ClientSession after = session.busier;
        if (before == null) {
            idlest = after;
        } else {
            before.busier = after;
        }
        if (after == null) {
            busiest = before;
        } else {
            after.idler = before;
        }
    }

    /**
     * Whether the stored results, once those below the session's new lowest open sequence are forgotten, leave no room for another: a
     * client that has settled what it has got makes room by the very command that needs it.
     */
    boolean isFull(ClientSession session, long lowestOpen) {
        if (session.resultBytes() < limits.sessionResultBytes() && resultBytes < limits.totalResultBytes()) {
            return false;
        }
        int kept = session.resultBytesFrom(lowestOpen);
        return kept >= limits.sessionResultBytes()
                || resultBytes - session.resultBytes() + kept >= limits.totalResultBytes();
    }

    void advanceLowestOpen(ClientSession session, long sequence) {
        resultBytes -= session.resultBytes();
        session.advanceLowestOpen(sequence);
        resultBytes += session.resultBytes();
    }

    void answer(ClientSession session, long sequence, int crc, Status status, long revision, byte[] result) {
        session.answer(sequence, crc, status, revision, result);
        resultBytes += result.length;
    }

    /** Adds the rows of all touched sessions to the open batch. */
    void stageRows() {
        for (int i = 0; i < touched.size(); i++) {
            ClientSession session = touched.get(i);
            session.clearTouched();
            if (session.isOpen()) {
                int length = session.rowLength();
                session.encode(store.valueBuffer(length));
                rowKey.putLong(0, session.id(), BIG_ENDIAN);
                store.put(RowKind.SESSION, rowKey, 0, Long.BYTES, length);
            }
        }
        touched.clear();
    }
}
