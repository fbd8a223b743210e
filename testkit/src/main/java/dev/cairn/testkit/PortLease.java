package dev.cairn.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Ports that nobody else takes while this is open, although a node that is to use them does not run yet or not any more.
 * They lie below those that the system gives to outgoing connections, and each is guarded by a file lock among all test
 * clusters of the machine. A port that some other program listens on is passed over.
 */
final class PortLease implements AutoCloseable {
    private static final int FIRST_PORT = 20_000;
    private static final int PORTS = 10_000;

    /**
     * Ports of this JVM's leases. A second channel on the file of one of them must not even be opened: to close it would end
     * the lock of the first, for a POSIX lock is the process's.
     */
    private static final Set<Integer> LEASED_HERE = ConcurrentHashMap.newKeySet();

    private final Path directory = Path.of(System.getProperty("java.io.tmpdir"), "cairn-test-ports");
    private final List<Integer> ports = new ArrayList<>();
    private final List<FileChannel> locks = new ArrayList<>();

    private PortLease() {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot lease ports in " + directory + ": " + e.getMessage(), e);
        }
    }

    /** Leases so many ports, wherever they are. */
    static PortLease of(final int count) {
        final PortLease lease = new PortLease();
        final int start = start();
        for (int i = 0; i < PORTS && lease.ports.size() < count; i++) {
            lease.take(FIRST_PORT + (start + i) % PORTS);
        }
        if (lease.ports.size() < count) {
            lease.close();
            throw noneFree(count + " ports, " + lease.ports.size() + " of them");
        }
        return lease;
    }

    /**
     * Leases ports that lie so far above a common base. {@link #port} counts them in the order given.
     *
     * @param multiple of which the base is one
     */
    static PortLease above(final int multiple, final List<Integer> offsets) {
        final int start = start();
        for (int i = 0; i < PORTS; i += multiple) {
            final int base = (FIRST_PORT + (start + i) % PORTS) / multiple * multiple;
            final PortLease lease = new PortLease();
            if (offsets.stream().allMatch(offset -> lease.take(base + offset))) {
                return lease;
            }
            lease.close();
        }
        throw noneFree("ports " + offsets + " above a multiple of " + multiple);
    }

    /** Beginning at different places keeps clusters that start together from trying the same ports one by one. */
    private static int start() {
        return (int) (ProcessHandle.current().pid() * 31 % PORTS);
    }

    private static IllegalStateException noneFree(final String wanted) {
        return new IllegalStateException(
                "not free: " + wanted + ", from " + FIRST_PORT + " to " + (FIRST_PORT + PORTS - 1));
    }

    private boolean take(final int port) {
        if (!LEASED_HERE.add(port)) {
            return false;
        }
        boolean taken = false;
        try {
            final FileChannel channel = FileChannel.open(
                    directory.resolve(Integer.toString(port)), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            taken = channel.tryLock() != null && isFree(port);
            if (taken) {
                ports.add(port);
                locks.add(channel);
            } else {
                channel.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot lease port " + port + " in " + directory + ": " + e.getMessage(), e);
        } finally {
            if (!taken) {
                LEASED_HERE.remove(port);
            }
        }
        return taken;
    }

    private static boolean isFree(final int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException inUse) {
            return false;
        }
    }

    int port(final int number) {
        return ports.get(number);
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
        ports.forEach(LEASED_HERE::remove);
        ports.clear();
        locks.clear();
    }
}
