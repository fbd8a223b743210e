package dev.cairn.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.agrona.DirectBuffer;

/**
 * A directory of the file system that is looked at, perhaps beside the process that owns it: opens for reading only, and
 * refuses every call that would change something.
 */
final class ReadOnlyDirectory implements SegmentDirectory {
    /** A file was listed and is not there any more: its owner renamed or deleted it. */
    static final class GoneException extends WalException {
        private static final long serialVersionUID = 1L;

        GoneException(Path file, NoSuchFileException cause) {
            super("no such file: file=" + file, cause);
        }
    }

    private final Path path;

    ReadOnlyDirectory(Path path) {
        this.path = path;
    }

    @Override
    public String writer() {
        return "none, read only";
    }

    @Override
    public List<String> list() {
        return FileSegmentDirectory.namesIn(path);
    }

    @Override
    public SegmentFile open(String name) {
        Path file = path.resolve(name);
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            return new ReadOnlyFile(new ChannelFile(file, channel), FileSegmentDirectory.lengthOf(name, channel));
        } catch (NoSuchFileException e) {
            throw new GoneException(file, e);
        } catch (IOException e) {
            throw new WalException("cannot open: file=" + file, e);
        }
    }

    @Override
    public long freeBytes() {
        throw readOnly();
    }

    @Override
    public SegmentFile create(String name, int length) {
        throw readOnly();
    }

    @Override
    public void rename(String from, String to) {
        throw readOnly();
    }

    @Override
    public void delete(String name) {
        throw readOnly();
    }

    @Override
    public void force() {
        throw readOnly();
    }

    private static IllegalStateException readOnly() {
        return new IllegalStateException("opened for reading only");
    }

    private record ReadOnlyFile(ChannelFile file, int length) implements SegmentFile {
        @Override
        public int read(int offset, ByteBuffer destination) {
            return file.read(offset, destination);
        }

        @Override
        public void write(int offset, ByteBuffer source) {
            throw readOnly();
        }

        @Override
        public void zeroFill(int offset, int count) {
            throw readOnly();
        }

        @Override
        public void force() {
            throw readOnly();
        }

        @Override
        public void startAppending() {
            throw readOnly();
        }

        @Override
        public void append(int offset, DirectBuffer source, int sourceOffset, int count) {
            throw readOnly();
        }

        @Override
        public void flush() {
            throw readOnly();
        }

        @Override
        public DirectBuffer view() {
            throw readOnly();
        }

        @Override
        public void stopAppending() {
            // Nothing was mapped.
        }

        @Override
        public void close() {
            file.close();
        }
    }
}
