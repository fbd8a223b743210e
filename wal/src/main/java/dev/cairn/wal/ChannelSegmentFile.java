package dev.cairn.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import org.agrona.DirectBuffer;
import org.agrona.IoUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Appends gather in one buffer and leave by one positional write per group; reading is mapped, read-only.
 *
 * <p>Zeros go past the system's cache, so it does not hold the file's blocks, and would read one before it changes a part of it.
 * That is why a group is written in whole blocks: zeros fill the last one, and its bytes are written again, the same, by a
 * group that goes on in it.
 */
final class ChannelSegmentFile implements SegmentFile {
    private static final int BUFFER_BYTES = 256 * 1024;
    private static final int BLOCK = RecordDescriptor.BLOCK_BYTES;

    private final ChannelFile file;
    private final int length;
    private @Nullable MappedByteBuffer mapped;
    private @Nullable UnsafeBuffer view;
    private ByteBuffer group = ByteBuffer.allocateDirect(0);
    private final UnsafeBuffer groupView = new UnsafeBuffer(group);
    private int groupOffset;
    /** Bytes in the buffer: what is not flushed, and before it what the block in which that begins has held since. */
    private int groupLength;

    private boolean unflushed;

    ChannelSegmentFile(ChannelFile file, int length) {
        this.file = file;
        this.length = length;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int read(int offset, ByteBuffer destination) {
        return file.read(offset, destination);
    }

    @Override
    public void write(int offset, ByteBuffer source) {
        file.write(offset, source);
    }

    @Override
    public void zeroFill(int offset, int count) {
        if (!file.zeroPastCache(offset, count)) {
            SegmentPreparation.writeZeros(this, offset, count);
            file.force();
        }
    }

    @Override
    public void force() {
        file.force();
    }

    @Override
    public void startAppending() {
        if (mapped != null) {
            throw new IllegalStateException("already appending: file=" + file.path());
        }
        file.endZeros();
        try {
            mapped = file.channel().map(FileChannel.MapMode.READ_ONLY, 0, length);
        } catch (IOException e) {
            throw new WalException("cannot map: file=" + file.path() + " bytes=" + length, e);
        }
        view = new UnsafeBuffer(mapped);
        resizeGroup(Math.min(BUFFER_BYTES, length) + BLOCK);
    }

    @Override
    public void append(int offset, DirectBuffer source, int sourceOffset, int count) {
        int gap = offset - (groupOffset + groupLength);
        if (gap < 0) {
            throw new IllegalArgumentException("not behind what was appended: file=" + file.path() + " offset=" + offset
                    + " end=" + (groupOffset + groupLength));
        }
        // A block that a force may be writing right now is left alone: what follows it begins on a block of its own.
        boolean continues = groupLength > 0 && (gap == 0 || (unflushed && gap <= BLOCK));
        if (!continues) {
            flush();
            groupOffset = offset;
            groupLength = 0;
            gap = 0;
        } else if (offset + count - groupOffset > BUFFER_BYTES) {
            flush();
            gap = offset - (groupOffset + groupLength);
        }
        makeRoom(groupLength + gap + count);
        groupView.setMemory(groupLength, gap, (byte) 0);
        groupView.putBytes(groupLength + gap, source, sourceOffset, count);
        groupLength += gap + count;
        unflushed = true;
    }

    /** For so many bytes, and zeros behind them up to the end of a block; more, so that as many on another remainder fit. */
    private void makeRoom(int bytes) {
        if (bytes + BLOCK > group.capacity()) {
            ByteBuffer before = group.clear().limit(groupLength);
            resizeGroup((int) Wal.blocks(bytes) + 2 * BLOCK);
            group.put(before);
        }
    }

    private void resizeGroup(int capacity) {
        group = ByteBuffer.allocateDirect(capacity);
        groupView.wrap(group);
    }

    @Override
    public void flush() {
        if (!unflushed) {
            return;
        }
        int end = groupOffset + groupLength;
        int whole = (int) Wal.blocks(end) - groupOffset;
        groupView.setMemory(groupLength, whole - groupLength, (byte) 0);
        group.clear().limit(whole);
        file.write(groupOffset, group);
        unflushed = false;
        keepLastBlock(end);
    }

    /** Its beginning, where this file's appends have filled it: what goes on in it is written together with it. */
    private void keepLastBlock(int end) {
        int from = Math.max(groupOffset, end & -BLOCK);
        groupView.putBytes(0, groupView, from - groupOffset, end - from);
        groupOffset = from;
        groupLength = end - from;
    }

    @Override
    public DirectBuffer view() {
        UnsafeBuffer buffer = view;
        if (buffer == null) {
            throw new IllegalStateException("not appending: file=" + file.path());
        }
        return buffer;
    }

    @Override
    public void stopAppending() {
        MappedByteBuffer bytes = mapped;
        if (bytes != null) {
            mapped = null;
            view = null;
            resizeGroup(0);
            groupOffset = 0;
            groupLength = 0;
            unflushed = false;
            IoUtil.unmap(bytes);
        }
    }

    @Override
    public void close() {
        stopAppending();
        file.close();
    }
}
