package dev.cairn.wal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** A directory of the file system. */
public final class FileSegmentDirectory implements SegmentDirectory, AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final FileStore disk;
    private final boolean mappedWriter;
    private final String writer;

    private FileSegmentDirectory(Path path, FileChannel channel, boolean mappedWriter, String writer)
            throws IOException {
        this.path = path;
        this.channel = channel;
        this.disk = Files.getFileStore(path);
        this.mappedWriter = mappedWriter;
        this.writer = writer;
    }

    /**
     * Opens the directory, creating it durably where it is absent. {@link WriterChoice#MAPPED_IF_FIT} runs the
     * start-up test for large folios, a few milliseconds.
     */
    public static FileSegmentDirectory open(Path path, WriterChoice choice) {
        try {
            createDurably(path.toAbsolutePath());
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            return switch (choice) {
                case MAPPED -> new FileSegmentDirectory(path, channel, true, "mapped");
                case CHANNEL -> new FileSegmentDirectory(path, channel, false, "channel");
                case MAPPED_IF_FIT -> probed(path, channel);
            };
        } catch (IOException e) {
            throw ChannelFile.failure("cannot open directory: file=" + path, e);
        }
    }

    private static FileSegmentDirectory probed(Path path, FileChannel channel) throws IOException {
        FolioProbe.Result result = FolioProbe.run(new FileSegmentDirectory(path, channel, true, "probe"));
        String writer = (result.mappedIsFit() ? "mapped (" : "channel (") + result.reason() + ")";
        return new FileSegmentDirectory(path, channel, result.mappedIsFit(), writer);
    }

    private static void createDurably(Path path) throws IOException {
        Path parent = path.getParent();
        if (Files.isDirectory(path) || parent == null) {
            return;
        }
        createDurably(parent);
        try {
            Files.createDirectory(path);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(path)) {
                throw e;
            }
        }
        try (FileChannel above = FileChannel.open(parent, StandardOpenOption.READ)) {
            above.force(true);
        }
    }

    @Override
    public long freeBytes() {
        try {
            return disk.getUsableSpace();
        } catch (IOException e) {
            throw new WalException("cannot read the free space: file=" + path, e);
        }
    }

    @Override
    public String writer() {
        return writer;
    }

    @Override
    public List<String> list() {
        return namesIn(path);
    }

    /** Of all files, sorted. */
    static List<String> namesIn(Path path) {
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new WalException("cannot list: file=" + path, e);
        }
    }

    @Override
    public SegmentFile create(String name, int length) {
        Path file = path.resolve(name);
        try {
            FileChannel opened = FileChannel.open(
                    file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
            return wrap(file, opened, length);
        } catch (IOException e) {
            throw ChannelFile.failure("cannot create: file=" + file + " bytes=" + length, e);
        }
    }

    @Override
    public SegmentFile open(String name) {
        Path file = path.resolve(name);
        try {
            FileChannel opened = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
            return wrap(file, opened, lengthOf(name, opened));
        } catch (IOException e) {
            throw new WalException("cannot open: file=" + file, e);
        }
    }

    /** What is longer than any segment may be is damaged; then the file is closed. */
    static int lengthOf(String name, FileChannel opened) throws IOException {
        long size = opened.size();
        if (size > Integer.MAX_VALUE) {
            opened.close();
            throw new WalDamagedException(name, 0, 0, "at most " + Integer.MAX_VALUE + " bytes", size + " bytes");
        }
        return (int) size;
    }

    private SegmentFile wrap(Path file, FileChannel opened, int length) {
        ChannelFile channelFile = new ChannelFile(file, opened);
        return mappedWriter ? new MappedSegmentFile(channelFile, length) : new ChannelSegmentFile(channelFile, length);
    }

    @Override
    public void rename(String from, String to) {
        try {
            // Without REPLACE_EXISTING an existing target is refused; this process is the only one here (node.lock).
            Files.move(path.resolve(from), path.resolve(to));
        } catch (IOException e) {
            throw ChannelFile.failure("cannot rename: file=" + path.resolve(from) + " to=" + to, e);
        }
    }

    @Override
    public void delete(String name) {
        try {
            Files.delete(path.resolve(name));
        } catch (IOException e) {
            throw new WalException("cannot delete: file=" + path.resolve(name), e);
        }
    }

    @Override
    public void force() {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw new WalException("cannot force directory: file=" + path, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new WalException("cannot close directory: file=" + path, e);
        }
    }
}
