package dev.cairn.server.cli;

import static dev.cairn.server.cli.Kvctl.EXIT_DONE;
import static dev.cairn.server.cli.Kvctl.EXIT_NO_LEADER;
import static dev.cairn.server.cli.Kvctl.EXIT_REFUSED;
import static dev.cairn.server.cli.Kvctl.EXIT_USAGE;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.ServerStatus;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.protocol.ClusterIdHash;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.server.Address;
import dev.cairn.server.ConfigKey;
import dev.cairn.server.Member;
import dev.cairn.server.net.CheckpointSocket;
import dev.cairn.server.snapshot.CheckpointConnection;
import dev.cairn.server.snapshot.SnapshotFile;
import dev.cairn.server.snapshot.SnapshotRestore;
import java.io.Console;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code kvctl snapshot save FILE | status FILE | restore FILE}: backups as one checksummed file. What fails leaves nothing
 * behind.
 */
@Command(
        name = "snapshot",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "(save FILE | status FILE | restore FILE)",
        description = "Saves the state of a running cluster to a file, and makes nodes of a new cluster from it.")
final class SnapshotCommand implements Runnable {
    private static final int CHUNK_BYTES = 1 << 20;

    /** How often a cut connection is replaced while a snapshot is saved. */
    private static final int MAX_RECONNECTS = 5;

    private final Kvctl kvctl;

    SnapshotCommand(Kvctl kvctl) {
        this.kvctl = kvctl;
    }

    @Override
    public void run() {
        throw kvctl.usage("snapshot needs one of save FILE, status FILE, restore FILE");
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Saves everything that the leader (else the node that is furthest) has applied.")
    int save(@Parameters(paramLabel = "FILE", description = "Must not exist.") Path file) {
        if (Files.exists(file)) {
            return failure(EXIT_USAGE, file + " exists", "Give another name, or remove it first.");
        }
        Optional<ServerStatus> source = source();
        if (source.isEmpty()) {
            return failure(
                    EXIT_NO_LEADER, "no server answered", "Nothing was saved. Start the nodes, or correct --servers.");
        }
        try {
            return new Saving(Address.parse(source.get().server())).run(file);
        } catch (CheckpointConnection.Refused e) {
            return failure(EXIT_REFUSED, source.get().server() + ": " + e.getMessage(), "Nothing was saved.");
        } catch (IOException | CheckpointException e) {
            return failure(
                    EXIT_REFUSED,
                    "saving from " + source.get().server() + " to " + message(file, e),
                    "Nothing was saved. Try again.");
        }
    }

    /** The leader, else whoever has applied most. */
    private Optional<ServerStatus> source() {
        try (CairnClient client = CairnClient.connect(kvctl.config())) {
            return client.status().stream()
                    .filter(server -> server.node() != null)
                    .max(Comparator.comparing(
                                    (ServerStatus server) -> node(server).isLeader())
                            .thenComparing(server -> node(server).appliedIndex()));
        } catch (CairnException e) {
            return Optional.empty();
        }
    }

    private static NodeStatus node(ServerStatus server) {
        return Objects.requireNonNull(server.node());
    }

    /** One snapshot on its way from a server into a file, over as many connections as it takes. */
    private final class Saving {
        private final Address server;
        private @Nullable CheckpointConnection connection;
        private int reconnects;

        Saving(Address server) {
            this.server = server;
        }

        int run(Path file) throws IOException {
            try {
                CheckpointManifest manifest =
                        CheckpointManifest.decode(connection().open(), server.toString());
                try (SnapshotFile.Writer writer = new SnapshotFile.Writer(file, manifest)) {
                    copy(manifest, writer);
                    writer.finish();
                }
                print(manifest, Files.size(file), "saved " + file);
                return EXIT_DONE;
            } finally {
                close();
            }
        }

        private void copy(CheckpointManifest manifest, SnapshotFile.Writer writer) throws IOException {
            Progress progress = new Progress("saving", manifest.totalBytes());
            long done = 0;
            for (int number = 0; number < manifest.files().size(); number++) {
                long length = manifest.files().get(number).length();
                for (long at = 0; at < length; ) {
                    ByteBuffer bytes = read(manifest.checkpointId(), number, at);
                    if (!bytes.hasRemaining() || bytes.remaining() > length - at) {
                        throw new IOException(bytes.remaining() + " bytes at offset " + at + " of " + length);
                    }
                    at += bytes.remaining();
                    done += bytes.remaining();
                    writer.write(bytes);
                    progress.at(done);
                }
            }
            progress.end();
        }

        private ByteBuffer read(long checkpointId, int number, long offset) throws IOException {
            while (true) {
                try {
                    return connection().read(checkpointId, number, offset, CHUNK_BYTES);
                } catch (CheckpointConnection.Refused gone) {
                    throw gone;
                } catch (IOException cut) {
                    close();
                    if (++reconnects > MAX_RECONNECTS) {
                        throw cut;
                    }
                }
            }
        }

        private CheckpointConnection connection() throws IOException {
            CheckpointConnection open = connection;
            if (open == null) {
                open = CheckpointSocket.toServer(
                        server.host(),
                        server.port(),
                        kvctl.clusterId().isEmpty() ? 0 : ClusterIdHash.of(kvctl.clusterId()));
                connection = open;
            }
            return open;
        }

        private void close() throws IOException {
            CheckpointConnection open = connection;
            connection = null;
            if (open != null) {
                open.close();
            }
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Reads a snapshot file, checks every byte, says what is in it.")
    int status(@Parameters(paramLabel = "FILE") Path file) {
        try {
            Progress progress = new Progress("reading", Files.size(file));
            CheckpointManifest manifest = SnapshotFile.read(file, new Nowhere(), progress::at);
            progress.end();
            print(manifest, Files.size(file), "verified " + file);
            return EXIT_DONE;
        } catch (IOException | CheckpointException e) {
            return failure(EXIT_REFUSED, message(file, e), "Nothing of it should be used.");
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = {
                "Makes the data directory of one node of a new cluster. Do it for each of its nodes, with the same file",
                "and --cluster-id, then start them."
            })
    int restore(
            @Parameters(paramLabel = "FILE") Path file,
            @Option(
                            names = "--data-dir",
                            required = true,
                            paramLabel = "DIR",
                            description = "The node's data.dir; must not exist, or be empty.")
                    Path dataDirectory,
            @Option(names = "--node-id", required = true, paramLabel = "N", description = "The node's node.id.")
                    int nodeId) {
        if (kvctl.clusterId().isBlank()) {
            throw kvctl.usage("--cluster-id is missing; give the name of the new cluster");
        }
        if (!ConfigKey.CLUSTER_ID.allowsText(kvctl.clusterId())) {
            throw kvctl.usage("--cluster-id '" + kvctl.clusterId() + "' is no name that a node takes; needed is "
                    + ConfigKey.CLUSTER_ID.allowed());
        }
        if (nodeId < 1 || nodeId > Member.MAX_ID) {
            throw kvctl.usage("--node-id " + nodeId + " is not from 1 to " + Member.MAX_ID);
        }
        try {
            if (Files.exists(dataDirectory) && !(Files.isDirectory(dataDirectory) && isEmpty(dataDirectory))) {
                return failure(
                        EXIT_USAGE, dataDirectory + " is not empty", "Give a directory that does not exist yet.");
            }
            Progress progress = new Progress("restoring", Files.size(file));
            CheckpointManifest manifest = SnapshotRestore.restore(
                    file, dataDirectory, kvctl.clusterId(), nodeId, new SecureRandom()::nextLong, progress::at);
            progress.end();
            print(
                    manifest,
                    Files.size(file),
                    "restored node " + nodeId + " of cluster " + kvctl.clusterId() + " into " + dataDirectory);
            return EXIT_DONE;
        } catch (IOException | RuntimeException e) {
            return failure(EXIT_REFUSED, message(file, e), "Nothing was restored.");
        }
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.findAny().isEmpty();
        }
    }

    /** With the file's name, and a reason: those of the platform often have one of the two. */
    private static String message(Path file, Exception e) {
        String text = String.valueOf(e.getMessage());
        if (e instanceof NoSuchFileException) {
            return text + " does not exist";
        } else if (e instanceof AccessDeniedException) {
            return text + ": permission denied";
        } else if (e instanceof FileSystemException failure && failure.getReason() == null) {
            return text + ": " + e.getClass().getSimpleName();
        }
        return e instanceof IOException && !text.contains(file.toString()) ? file + ": " + text : text;
    }

    private int failure(int exitCode, String problem, String advice) {
        kvctl.err().println("kvctl: " + problem);
        kvctl.err().println(advice);
        return exitCode;
    }

    private void print(CheckpointManifest manifest, long fileBytes, String done) {
        HexFormat hex = HexFormat.of();
        if (kvctl.isJson()) {
            kvctl.out()
                    .println("{\"cluster\":\"" + manifest.clusterId() + "\",\"checkpoint\":\""
                            + hex.toHexDigits(manifest.checkpointId()) + "\",\"index\":"
                            + manifest.applied().index() + ",\"term\":"
                            + manifest.applied().term() + ",\"digest\":\""
                            + hex.toHexDigits(manifest.applied().digest()) + "\",\"files\":"
                            + manifest.files().size() + ",\"bytes\":" + fileBytes + "}");
        } else {
            kvctl.out()
                    .println(done + ": cluster=" + manifest.clusterId() + " index="
                            + manifest.applied().index() + " term="
                            + manifest.applied().term() + " checkpoint="
                            + hex.toHexDigits(manifest.checkpointId()) + " files="
                            + manifest.files().size() + " bytes=" + fileBytes);
        }
    }

    /** Percent on a terminal, nothing elsewhere. */
    private final class Progress {
        private final String what;
        private final long total;
        private final boolean onTerminal = isTerminal(System.console());
        private long percent = -1;

        Progress(String what, long total) {
            this.what = what;
            this.total = total;
        }

        void at(long bytes) {
            long now = total == 0 ? 100 : bytes * 100 / total;
            if (onTerminal && now != percent) {
                percent = now;
                kvctl.err().print("\r" + what + " " + now + "% of " + (total >> 20) + " MiB ");
                kvctl.err().flush();
            }
        }

        void end() {
            if (percent >= 0) {
                kvctl.err().println();
            }
        }
    }

    /** From Java 22 on there is a console without a terminal, too, and a method that tells. */
    static boolean isTerminal(@Nullable Console console) {
        if (console == null) {
            return false;
        }
        try {
            return Boolean.TRUE.equals(Console.class.getMethod("isTerminal").invoke(console));
        } catch (NoSuchMethodException beforeJava22) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    /** Only the checks count. */
    private static final class Nowhere implements SnapshotFile.Visitor {
        @Override
        public void onManifest(CheckpointManifest manifest) {}

        @Override
        public void onBytes(CheckpointManifest.Entry file, ByteBuffer bytes) {}

        @Override
        public void onFileEnd(CheckpointManifest.Entry file) {}
    }
}
