package dev.cairn.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ports that nobody else takes while this is open, although a node that is to use them does not run yet or not any more.
 * They lie below those that the system gives to outgoing connections, and each is guarded by a file lock among all test
 * clusters of the machine. A port that some other program listens on is passed over.
 */
final class PortLease implements AutoCloseable {
    private static final int FIRST_PORT = 20_000;
    private static final int PORTS = 10_000;

    private final List<FileChannel> locks = new ArrayList<>();
    private final int[] ports;

    /** Leases so many ports. */
    PortLease(final int count) {
        ports = new int[count];
        final Path directory = Path.of(System.getProperty("java.io.tmpdir"), "cairn-test-ports");
        // Beginning at different places keeps clusters that start together from trying the same ports one by one.
        final int start = (int) (ProcessHandle.current().pid() * 31 % PORTS);
        int found = 0;
        try {
            Files.createDirectories(directory);
            for (int i = 0; i < PORTS && found < count; i++) {
                final int port = FIRST_PORT + (start + i) % PORTS;
                if (lock(directory, port)) {
                    ports[found++] = port;
                }
            }
        } catch (IOException e) {
            close();
            throw new UncheckedIOException("cannot lease ports in " + directory + ": " + e.getMessage(), e);
        }
        if (found < count) {
            close();
            throw new IllegalStateException("only " + found + " of " + count + " ports are free from " + FIRST_PORT
                    + " to " + (FIRST_PORT + PORTS - 1));
        }
    }

    private boolean lock(final Path directory, final int port) throws IOException {
        final FileChannel channel = FileChannel.open(
                directory.resolve(Integer.toString(port)), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        final FileLock lock = tryLock(channel);
        if (lock == null || !isFree(port)) {
            channel.close();
            return false;
        }
        locks.add(channel);
        return true;
    }

    private static @Nullable FileLock tryLock(final FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException takenByThisJvm) {
            return null;
        }
    }

    private static boolean isFree(final int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException inUse) {
            return false;
        }
    }

    int port(final int number) {
        return ports[number];
    }

    /** Gives the ports back. */
    @Override
    public void close() {
        try {
            for (final FileChannel lock : locks) {
                lock.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot give ports back: " + e.getMessage(), e);
        }
    }
}
