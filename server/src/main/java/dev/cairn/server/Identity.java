package dev.cairn.server;

import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whose a data directory is: it belongs to one node id of one cluster, and carries a random storage id that tells this
 * life of the directory from an earlier one under the same node id. Holds the lock {@code node.lock} until closed.
 *
 * <p>{@code identity.properties} is written once, at the first start: temporary file, force, rename, force of the
 * directory. A crash leaves either no identity, and nothing else either, or a whole one.
 */
public final class Identity implements AutoCloseable {
    static final String LOCK_FILE = "node.lock";
    static final String FILE = "identity.properties";
    static final String TEMPORARY_FILE = "identity.properties.new";
    static final int FORMAT_VERSION = 1;

    private static final int MAX_LOCK_TEXT_BYTES = 64;
    /** Names that only exist where a node ran: without an identity beside them something was lost or copied. */
    private static final List<String> NODE_FILES = List.of("hard-state", "wal", "kv", "staging");

    private final FileChannel lockChannel;
    private final int nodeId;
    private final String clusterId;
    private final long storageId;

    private Identity(FileChannel lockChannel, int nodeId, String clusterId, long storageId) {
        this.lockChannel = lockChannel;
        this.nodeId = nodeId;
        this.clusterId = clusterId;
        this.storageId = storageId;
    }

    /**
     * Makes the directory if need be, locks it, and reads its identity or, in a new directory, writes one. All of it is
     * forced to disk when this returns.
     *
     * @param random source of the storage id; asked once, or again when it gives 0
     * @throws IdentityException when the directory is locked, or belongs to another node or cluster
     * @throws ConfigException when the path is or leads through a file, or may not be written
     * @throws UncheckedIOException when the disk fails
     */
    public static Identity open(Path dataDir, int nodeId, String clusterId, LongSupplier random) {
        try {
            createDirectory(dataDir.toAbsolutePath());
            FileChannel lockChannel = lock(dataDir);
            try {
                return new Identity(lockChannel, nodeId, clusterId, readOrWrite(dataDir, nodeId, clusterId, random));
            } catch (IOException | RuntimeException e) {
                lockChannel.close();
                throw e;
            }
        } catch (AccessDeniedException e) {
            throw new ConfigException("data.dir: this process may not write " + e.getFile());
        } catch (IOException e) {
            throw new UncheckedIOException("data directory " + dataDir + ": " + e, e);
        }
    }

    /** Every directory that is made here has its entry forced in the one above it. */
    private static void createDirectory(Path directory) throws IOException {
        List<Path> parents = new ArrayList<>();
        Path at = directory;
        while (!Files.exists(at) && at.getParent() != null) {
            at = at.getParent();
            parents.add(at);
        }
        if (Files.exists(at) && !Files.isDirectory(at)) {
            throw new ConfigException("data.dir: " + at + " is no directory");
        }
        Files.createDirectories(directory);
        for (Path parent : parents) {
            forceDirectory(parent);
        }
    }

    private static FileChannel lock(Path dataDir) throws IOException {
        Path file = dataDir.resolve(LOCK_FILE);
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            if (!tryLock(channel)) {
                throw new IdentityException("data directory " + dataDir + " is in use by another node process ("
                        + holder(channel) + "); stop that one first, or give this node a data.dir of its own");
            }
            channel.truncate(0);
            channel.write(
                    ByteBuffer.wrap(("pid " + ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)), 0);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException heldByThisJvm) {
            return false;
        }
    }

    /** What the holder wrote into the lock file. */
    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(MAX_LOCK_TEXT_BYTES);
        int length = channel.read(text, 0);
        return length <= 0 ? "pid unknown" : new String(text.array(), 0, length, StandardCharsets.US_ASCII);
    }

    private static long readOrWrite(Path dataDir, int nodeId, String clusterId, LongSupplier random)
            throws IOException {
        Path file = dataDir.resolve(FILE);
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (NoSuchFileException firstStart) {
            return writeFirst(dataDir, nodeId, clusterId, random);
        } catch (IllegalArgumentException e) {
            throw new IdentityException(file + " is damaged: " + e.getMessage(), e);
        }
        String version = value(file, properties, "format.version");
        if (!version.equals(Integer.toString(FORMAT_VERSION))) {
            throw new IdentityException(file + " has format version " + version + ", this program knows "
                    + FORMAT_VERSION + "; use the version of the program that wrote it, or newer");
        }
        String cluster = value(file, properties, "cluster.id");
        String node = value(file, properties, "node.id");
        if (!cluster.equals(clusterId)) {
            throw new IdentityException("data directory " + dataDir + " belongs to node " + node + " of cluster '"
                    + cluster + "', but cluster.id is '" + clusterId + "'");
        }
        if (!node.equals(Integer.toString(nodeId))) {
            throw new IdentityException("data directory " + dataDir + " belongs to node " + node + " of cluster '"
                    + cluster + "', but node.id is " + nodeId);
        }
        String storage = value(file, properties, "storage.id");
        if (!storage.matches("[0-9a-f]{16}") || storage.equals("0".repeat(16))) {
            throw new IdentityException(file + " is damaged: storage.id=" + storage + " is not 16 hex digits");
        }
        return Long.parseUnsignedLong(storage, 16);
    }

    private static String value(Path file, Properties properties, String key) {
        String value = properties.getProperty(key);
        if (value == null) {
            throw new IdentityException(file + " is damaged: " + key + " is missing");
        }
        return value;
    }

    private static long writeFirst(Path dataDir, int nodeId, String clusterId, LongSupplier random) throws IOException {
        refuseFilesWithoutIdentity(dataDir);
        long storageId = random.getAsLong();
        while (storageId == 0) {
            storageId = random.getAsLong();
        }
        byte[] text = text(nodeId, clusterId, storageId).getBytes(StandardCharsets.UTF_8);
        Path temporary = dataDir.resolve(TEMPORARY_FILE);
        try (FileChannel channel = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer buffer = ByteBuffer.wrap(text);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(true);
        }
        Files.move(temporary, dataDir.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        forceDirectory(dataDir);
        return storageId;
    }

    private static void refuseFilesWithoutIdentity(Path dataDir) throws IOException {
        try (Stream<Path> files = Files.list(dataDir)) {
            List<String> found = files.map(path -> path.getFileName().toString())
                    .filter(name -> NODE_FILES.contains(name) || name.startsWith("checkpoint-"))
                    .sorted()
                    .toList();
            if (!found.isEmpty()) {
                throw new IdentityException("data directory " + dataDir + " holds " + String.join(", ", found)
                        + " but no " + FILE + ": it is not known whose they are. Restore that file, or start with an"
                        + " empty directory");
            }
        }
    }

    private static String text(int nodeId, String clusterId, long storageId) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("format.version", Integer.toString(FORMAT_VERSION));
        properties.setProperty("cluster.id", clusterId);
        properties.setProperty("node.id", Integer.toString(nodeId));
        properties.setProperty("storage.id", String.format("%016x", storageId));
        StringWriter escaped = new StringWriter();
        properties.store(escaped, null);
        // store() puts the date into the first line; the same identity shall be the same bytes.
        return "# Whose this data directory is. Do not edit, do not copy to another node.\n"
                + escaped.toString()
                        .lines()
                        .filter(line -> !line.startsWith("#"))
                        .sorted()
                        .collect(Collectors.joining("\n", "", "\n"));
    }

    private static void forceDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    public int nodeId() {
        return nodeId;
    }

    public String clusterId() {
        return clusterId;
    }

    /** Random, never 0; another one under the same node id means that the disk was replaced. */
    public long storageId() {
        return storageId;
    }

    /** Gives the lock back; the lock file stays. */
    @Override
    public void close() {
        try {
            lockChannel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("lock of the data directory: " + e, e);
        }
    }
}
