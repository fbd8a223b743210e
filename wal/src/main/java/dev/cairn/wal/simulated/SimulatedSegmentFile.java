package dev.cairn.wal.simulated;

import dev.cairn.wal.RecordDescriptor;
import dev.cairn.wal.SegmentFile;
import dev.cairn.wal.WalException;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;

/** An open file of a {@link SimulatedDirectory}; dead after a crash. Appends reach the cache at once, as mapped stores do. */
final class SimulatedSegmentFile implements SegmentFile {
    /** One in so many sectors is stored in two pieces. */
    private static final int PARTIAL_OF = 4;

    private final SimulatedDirectory directory;
    private final SimulatedFile file;
    private final String name;
    private final int length;
    private final int life;
    private boolean appending;
    private boolean closed;
    private byte[] scratch = new byte[0];

    SimulatedSegmentFile(SimulatedDirectory directory, SimulatedFile file, String name, int length, int life) {
        this.directory = directory;
        this.file = file;
        this.name = name;
        this.length = length;
        this.life = life;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int read(int offset, ByteBuffer destination) {
        checkAlive();
        int count = Math.max(0, Math.min(destination.remaining(), file.length() - offset));
        file.view().getBytes(offset, destination, count);
        return count;
    }

    @Override
    public void write(int offset, ByteBuffer source) {
        checkAlive();
        int count = source.remaining();
        directory.claim(Math.max(0, offset + count - file.length()), name);
        source.get(scratch(count), 0, count);
        file.put(offset, scratch, 0, count);
        directory.afterChange();
    }

    /** Without a force, as the port allows. */
    @Override
    public void zeroFill(int offset, int count) {
        ByteBuffer block = ByteBuffer.allocate(RecordDescriptor.BLOCK_BYTES);
        for (int done = 0; done < count; done += block.capacity()) {
            write(offset + done, block.clear().limit(Math.min(block.capacity(), count - done)));
        }
    }

    @Override
    public void force() {
        checkAlive();
        directory.beforeForce(file, name);
        file.force();
        directory.afterChange();
    }

    @Override
    public void startAppending() {
        checkAlive();
        appending = true;
    }

    @Override
    public void append(int offset, DirectBuffer source, int sourceOffset, int count) {
        checkAppending();
        byte[] bytes = scratch(count);
        source.getBytes(sourceOffset, bytes, 0, count);
        Recording recording = directory.recording();
        if (recording == null) {
            file.put(offset, bytes, 0, count);
            return;
        }
        // As through a mapping: from the lowest byte up, the first four last, and a page may be written back in
        // between.
        int done = Integer.BYTES;
        while (done < count) {
            int sectorEnd = SimulatedFile.SECTOR_BYTES - (offset + done) % SimulatedFile.SECTOR_BYTES;
            int step = Math.min(sectorEnd, count - done);
            int words = (done + step) / Long.BYTES - done / Long.BYTES;
            if (words > 1 && recording.random.nextInt(PARTIAL_OF) == 0) {
                step = (done / Long.BYTES + 1 + recording.random.nextInt(words)) * Long.BYTES - done;
            }
            file.put(offset + done, bytes, done, step);
            directory.afterChange();
            done += step;
        }
        file.put(offset, bytes, 0, Integer.BYTES);
        directory.afterChange();
    }

    private byte[] scratch(int count) {
        if (scratch.length < count) {
            scratch = new byte[count];
        }
        return scratch;
    }

    @Override
    public void flush() {
        checkAlive();
    }

    @Override
    public DirectBuffer view() {
        checkAppending();
        return file.view();
    }

    @Override
    public void stopAppending() {
        appending = false;
    }

    @Override
    public void close() {
        appending = false;
        closed = true;
    }

    private void checkAppending() {
        checkAlive();
        if (!appending) {
            throw new IllegalStateException("not appending: file=" + name);
        }
    }

    private void checkAlive() {
        if (life != directory.life()) {
            throw new IllegalStateException("used after a crash: file=" + name);
        }
        if (closed) {
            throw new WalException("closed: file=" + name);
        }
    }
}
