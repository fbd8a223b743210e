package dev.cairn.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A small file system of its own, in a file, so that a test can fill it. Needs root; unmounted in any case. */
final class LoopDisk implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;
    private static final int PIECE_BYTES = 64 * 1024;

    private final Path mount;
    private final FileStore store;
    private final Thread atExit;

    private LoopDisk(final Path mount) throws IOException {
        this.mount = mount;
        store = Files.getFileStore(mount);
        atExit = new Thread(() -> unmount(mount), "unmount");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Makes and mounts it, or skips the test with the reason. */
    static LoopDisk mount(final Path directory, final String name, final long bytes) throws Exception {
        if (!"root".equals(System.getProperty("user.name"))) {
            skip("a loop mount of a small disk needs root");
        }
        final Path image = directory.resolve(name + ".img");
        final Path mount = Files.createDirectory(directory.resolve(name));
        final String refusal = run("truncate", "-s", Long.toString(bytes), image.toString())
                + run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0", image.toString())
                + run("mount", "-o", "loop", image.toString(), mount.toString());
        if (!refusal.isEmpty()) {
            skip("loop mounts are not possible here: " + refusal);
        }
        return new LoopDisk(mount);
    }

    private static void skip(final String reason) {
        System.out.println("skipped: " + reason);
        Assumptions.abort(reason);
    }

    /** Nothing when it went well, else what it said. */
    private static String run(final String... command) throws InterruptedException {
        try {
            final Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            final String said = new String(process.getInputStream().readAllBytes(), UTF_8);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return String.join(" ", command) + ": no end";
            }
            return process.exitValue() == 0 ? "" : String.join(" ", command) + ": " + said;
        } catch (IOException e) {
            return e.toString();
        }
    }

    Path path() {
        return mount;
    }

    long freeBytes() throws IOException {
        return store.getUsableSpace();
    }

    /** A file of somebody else, of so many bytes. */
    Path occupy(final String name, final long bytes) throws IOException {
        final Path file = mount.resolve(name);
        final byte[] piece = new byte[PIECE_BYTES];
        try (OutputStream out = Files.newOutputStream(file)) {
            for (long written = 0; written < bytes; written += piece.length) {
                out.write(piece);
            }
        }
        return file;
    }

    /** A file that takes the last byte. */
    Path fill(final String name) throws IOException {
        final Path file = mount.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int piece = PIECE_BYTES; piece > 0; piece /= 2) {
                fillWith(out, new byte[piece]);
            }
        }
        return file;
    }

    private static void fillWith(final OutputStream out, final byte[] piece) throws IOException {
        while (true) {
            try {
                out.write(piece);
            } catch (IOException e) {
                if (String.valueOf(e.getMessage()).contains("No space left")) {
                    return;
                }
                throw e;
            }
        }
    }

    /** Behind the end of the processes that use it. */
    @Override
    public void close() {
        unmount(mount);
        Runtime.getRuntime().removeShutdownHook(atExit);
    }

    private static void unmount(final Path mount) {
        try {
            if (!run("umount", mount.toString()).isEmpty()) {
                final String lazily = run("umount", "-l", mount.toString());
                if (!lazily.isEmpty()) {
                    throw new IllegalStateException(lazily);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted: " + mount + " stays mounted", e);
        }
    }
}
