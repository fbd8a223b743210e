package dev.cairn.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import org.agrona.DirectBuffer;
import org.agrona.IoUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** Appends gather in one buffer and leave by one positional write per group; reading is mapped, read-only. */
final class ChannelSegmentFile implements SegmentFile {
    private static final int BUFFER_BYTES = 256 * 1024;

    private final ChannelFile file;
    private final int length;
    private @Nullable MappedByteBuffer mapped;
    private @Nullable UnsafeBuffer view;
    private ByteBuffer group = ByteBuffer.allocateDirect(0);
    private final UnsafeBuffer groupView = new UnsafeBuffer(group);
    private int groupOffset;
    private int groupLength;

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
    public void force() {
        file.force();
    }

    @Override
    public void startAppending() {
        if (mapped != null) {
            throw new IllegalStateException("already appending: file=" + file.path());
        }
        try {
            mapped = file.channel().map(FileChannel.MapMode.READ_ONLY, 0, length);
        } catch (IOException e) {
            throw new WalException("cannot map: file=" + file.path() + " bytes=" + length, e);
        }
        view = new UnsafeBuffer(mapped);
        resizeGroup(Math.min(BUFFER_BYTES, length));
    }

    @Override
    public void append(int offset, DirectBuffer source, int sourceOffset, int count) {
        int gap = offset - (groupOffset + groupLength);
        boolean continues = groupLength > 0 && gap >= 0 && gap <= RecordDescriptor.BLOCK_BYTES;
        if (!continues || offset + count - groupOffset > group.capacity()) {
            flush();
            groupOffset = offset;
            gap = 0;
        }
        if (count > group.capacity()) {
            resizeGroup(count);
        }
        groupView.setMemory(groupLength, gap, (byte) 0);
        groupView.putBytes(groupLength + gap, source, sourceOffset, count);
        groupLength += gap + count;
    }

    private void resizeGroup(int capacity) {
        group = ByteBuffer.allocateDirect(capacity);
        groupView.wrap(group);
    }

    @Override
    public void flush() {
        if (groupLength > 0) {
            group.clear().limit(groupLength);
            file.write(groupOffset, group);
            groupLength = 0;
        }
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
            IoUtil.unmap(bytes);
        }
    }

    @Override
    public void close() {
        stopAppending();
        file.close();
    }
}
