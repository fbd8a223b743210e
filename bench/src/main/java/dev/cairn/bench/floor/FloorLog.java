package dev.cairn.bench.floor;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A prepared file (zero-filled, forced) with a thread that makes durable what the loop hands over: one write and one force for all
 * that came while the last force ran. At the end of the file it begins at its begin again: what is measured is how long it takes.
 *
 * <pre>
 *   ring     ..........|durable ####|published ++++|appended ........
 *                       in a force    next group    this cycle
 * </pre>
 *
 * The loop writes the ring up to {@code appended}, the force thread reads it up to {@code published}; positions grow for ever.
 */
final class FloorLog {
    /** Bytes between durable and appended at most; the file's length is a multiple of it. */
    static final int RING_BYTES = 8 << 20;

    private static final long FILE_BYTES = 4L * RING_BYTES;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final long MAX_PARK_NS = 100_000_000L;
    private static final long FULL_PARK_NS = 50_000L;

    private final FileChannel file;
    private final boolean forced;
    private final Runnable onDurable;
    private final Consumer<Throwable> onFailure;
    private final ByteBuffer ring = ByteBuffer.allocateDirect(RING_BYTES);
    private final ByteBuffer reading = ring.duplicate();
    private final Thread thread = new Thread(this::run, "floor-force");
    /** Of the loop. */
    private long appended;

    private volatile long published;
    private volatile long durable;
    private volatile boolean parked;

    private FloorLog(FileChannel file, boolean forced, Runnable onDurable, Consumer<Throwable> onFailure) {
        this.file = file;
        this.forced = forced;
        this.onDurable = onDurable;
        this.onFailure = onFailure;
        thread.setDaemon(true);
    }

    /**
     * Prepares the file and starts the thread.
     *
     * @param forced false = nothing is forced: shows what the force costs
     * @param onDurable is called on the force thread after each group
     * @param onFailure takes the failed write or force, after which nothing happens any more
     */
    static FloorLog create(Path path, boolean forced, Runnable onDurable, Consumer<Throwable> onFailure)
            throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        ByteBuffer zeros = ByteBuffer.allocateDirect(BLOCK_BYTES);
        for (long at = 0; at < FILE_BYTES; at += BLOCK_BYTES) {
            zeros.clear();
            writeAll(file, zeros, at);
        }
        file.force(true);
        FloorLog log = new FloorLog(file, forced, onDurable, onFailure);
        log.thread.start();
        return log;
    }

    /** Loop: copies these bytes behind the last ones; returns the position of their end. Waits for the disk when the ring is full. */
    long append(ByteBuf bytes, int offset, int length) {
        while (appended + length - durable > RING_BYTES) {
            publish();
            LockSupport.parkNanos(FULL_PARK_NS);
        }
        int at = (int) (appended % RING_BYTES);
        int first = Math.min(length, RING_BYTES - at);
        bytes.getBytes(offset, ring.limit(at + first).position(at));
        bytes.getBytes(offset + first, ring.limit(length - first).position(0));
        appended += length;
        return appended;
    }

    /** Loop: hands over all that was appended; it becomes durable with the next group. */
    void publish() {
        if (published == appended) {
            return;
        }
        published = appended;
        // Either the force thread sees the position when it looks again, or this sees that it has parked.
        VarHandle.fullFence();
        if (parked) {
            parked = false;
            LockSupport.unpark(thread);
        }
    }

    /** Any thread. */
    long durable() {
        return durable;
    }

    private void run() {
        try {
            while (true) {
                long to = published;
                if (to == durable) {
                    idle();
                } else {
                    write(durable, to);
                    if (forced) {
                        file.force(false);
                    }
                    durable = to;
                    onDurable.run();
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            onFailure.accept(e);
        }
    }

    private void idle() {
        parked = true;
        if (published == durable) {
            LockSupport.parkNanos(this, MAX_PARK_NS);
        }
        parked = false;
    }

    /** One write, and one more where the group goes over the end of the ring. */
    private void write(long from, long to) throws IOException {
        long at = from;
        while (at < to) {
            int begin = (int) (at % RING_BYTES);
            int length = (int) Math.min(to - at, RING_BYTES - begin);
            writeAll(file, reading.limit(begin + length).position(begin), at % FILE_BYTES);
            at += length;
        }
    }

    private static void writeAll(FileChannel file, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += file.write(bytes, at);
        }
    }
}
