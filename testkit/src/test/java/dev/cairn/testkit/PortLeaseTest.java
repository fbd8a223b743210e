package dev.cairn.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PortLeaseTest {
    private static final int TAKEN = 3;

    /** As another process does it: exits with 0 when the lock is to be had, with {@link #TAKEN} when not. */
    public static void main(final String[] arguments) throws IOException {
        try (FileChannel file = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.WRITE)) {
            System.exit(file.tryLock() == null ? TAKEN : 0);
        }
    }

    private static boolean isFreeForOthers(final int port) throws IOException, InterruptedException {
        final String lock = Path.of(System.getProperty("java.io.tmpdir"), "cairn-test-ports", Integer.toString(port))
                .toString();
        final int exit = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        PortLeaseTest.class.getName(),
                        lock)
                .inheritIO()
                .start()
                .waitFor();
        assertThat(exit).isIn(0, TAKEN);
        return exit == 0;
    }

    private static List<Integer> ports(final PortLease lease, final int count) {
        return IntStream.range(0, count).mapToObj(lease::port).toList();
    }

    @Test
    void leasesOfOneProcessDoNotMeetAndStayLockedForOthers() throws IOException, InterruptedException {
        final int port;
        try (PortLease first = PortLease.of(6);
                PortLease second = PortLease.of(6)) {
            assertThat(ports(first, 6)).doesNotContainAnyElementsOf(ports(second, 6));
            port = first.port(0);
            assertThat(isFreeForOthers(port)).isFalse();
        }
        assertThat(isFreeForOthers(port)).isTrue();
    }

    @Test
    void portsAboveABaseAreLeasedTogether() throws IOException, InterruptedException {
        try (PortLease first = PortLease.above(20, List.of(0, 3, 101));
                PortLease second = PortLease.above(20, List.of(0, 3, 101))) {
            final int base = first.port(0);
            assertThat(base % 20).isZero();
            assertThat(ports(first, 3)).containsExactly(base, base + 3, base + 101);
            assertThat(ports(first, 3)).doesNotContainAnyElementsOf(ports(second, 3));
            assertThat(isFreeForOthers(base + 101)).isFalse();
        }
    }
}
