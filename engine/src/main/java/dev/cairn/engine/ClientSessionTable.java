package dev.cairn.engine;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.util.ArrayList;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * All open sessions, in memory, with one row each in the store. Owned by the apply thread.
 *
 * <p>Invariant after each batch: the rows of the store are exactly the sessions in memory. A session that a batch touches is written once, at
 * its end; one that is closed is deleted at once and not written again.
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

    /** Loads what the store holds. */
    ClientSessionTable(KvStore store, SessionLimits limits) {
        this.store = store;
        this.limits = limits;
        store.scan(RowKind.SESSION, (key, keyOffset, keyLength, value, valueOffset, valueLength) -> {
            if (keyLength != Long.BYTES) {
                throw new BrokenInvariantException("session row with a key of " + keyLength + " bytes, expected 8");
            }
            long id = key.getLong(keyOffset, BIG_ENDIAN);
            sessions.put(id, ClientSession.decode(id, value, valueOffset, valueLength));
        });
    }

    int size() {
        return sessions.size();
    }

    @Nullable
    ClientSession find(long id) {
        return sessions.get(id);
    }

    /** Opens a session; false when all places are taken by sessions that may not be evicted. */
    boolean open(long id, long logTimeMs) {
        if (sessions.size() >= limits.maxSessions() && !evictIdlest(logTimeMs)) {
            return false;
        }
        ClientSession session = new ClientSession(id, logTimeMs);
        sessions.put(id, session);
        touch(session, logTimeMs);
        return true;
    }

    private boolean evictIdlest(long logTimeMs) {
        ClientSession idlest = null;
        // The order of this iteration is that of the hash table; the minimum is unique, so it does not matter.
        for (ClientSession session : sessions.values()) {
            if (idlest == null || isIdlerThan(session, idlest)) {
                idlest = session;
            }
        }
        if (idlest == null || logTimeMs - idlest.lastActiveLogTimeMs() < limits.evictableIdleMs()) {
            return false;
        }
        close(idlest);
        return true;
    }

    private static boolean isIdlerThan(ClientSession session, ClientSession other) {
        return session.lastActiveLogTimeMs() != other.lastActiveLogTimeMs()
                ? session.lastActiveLogTimeMs() < other.lastActiveLogTimeMs()
                : session.id() < other.id();
    }

    /** Forgets the session and its answers. */
    void close(ClientSession session) {
        session.close();
        sessions.remove(session.id());
        rowKey.putLong(0, session.id(), BIG_ENDIAN);
        store.delete(RowKind.SESSION, rowKey, 0, Long.BYTES);
    }

    /** Notes activity; the session's row will be written with this batch. */
    void touch(ClientSession session, long logTimeMs) {
        if (session.touch(logTimeMs)) {
            touched.add(session);
        }
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
