package dev.cairn.client;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Transmissions under way by request id: a ring indexed by the id's low bits. An id whose slot is still taken is skipped, so
 * a lookup is one array access. At most half of the ring is in use, so a free slot is near. Loop thread only.
 */
final class InFlightTable {
    /** Transmissions under way, count. */
    static final int MAX_IN_FLIGHT = 8192;

    private static final int CAPACITY = 2 * MAX_IN_FLIGHT;
    private static final int MASK = CAPACITY - 1;

    private final @Nullable Request<?>[] slots = new Request<?>[CAPACITY];
    private long nextId = 1;
    private int count;

    boolean hasRoom() {
        return count < MAX_IN_FLIGHT;
    }

    int count() {
        return count;
    }

    /** Gives the request a new id and keeps it. The caller has checked {@link #hasRoom}. */
    void add(Request<?> request) {
        if (!hasRoom()) {
            throw new IllegalStateException("table full");
        }
        while (slots[(int) nextId & MASK] != null) {
            nextId++;
        }
        request.requestId = nextId;
        slots[(int) nextId & MASK] = request;
        nextId++;
        count++;
    }

    /** The request whose transmission under way has this id, or null. */
    @Nullable
    Request<?> find(long requestId) {
        Request<?> request = slots[(int) requestId & MASK];
        return request != null && request.requestId == requestId ? request : null;
    }

    void remove(Request<?> request) {
        slots[(int) request.requestId & MASK] = null;
        request.requestId = 0;
        count--;
    }

    /** Calls {@code action} for each transmission on {@code connection}, in the order of the ids; it may remove it. */
    void forEachOn(ClientConnection connection, Consumer<Request<?>> action) {
        for (long id = nextId - CAPACITY; id < nextId; id++) {
            Request<?> request = slots[(int) id & MASK];
            if (request != null && request.connection == connection) {
                action.accept(request);
            }
        }
    }
}
