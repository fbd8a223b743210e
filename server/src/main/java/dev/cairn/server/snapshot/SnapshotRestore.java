package dev.cairn.server.snapshot;

import dev.cairn.engine.AppliedState;
import dev.cairn.engine.CheckpointException;
import dev.cairn.engine.CheckpointManifest;
import dev.cairn.engine.DurableFiles;
import dev.cairn.engine.KvStateMachine;
import dev.cairn.engine.RocksStore;
import dev.cairn.engine.RocksStoreConfig;
import dev.cairn.engine.RowKind;
import dev.cairn.server.Identity;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Makes a data directory from a snapshot file, for a node of a new cluster. All of it is made under a temporary name and
 * checked; the directory appears whole or not at all. The node's first start ends the work: it begins its log behind the
 * snapshot, as after the installation of one.
 */
public final class SnapshotRestore implements SnapshotFile.Visitor {
    private final Path building;
    private long bytes;

    private SnapshotRestore(final Path building) {
        this.building = building;
    }

    /**
     * Restores.
     *
     * @param dataDirectory must not exist, or be empty
     * @param clusterId of the new cluster; every node of it must be restored from the same file
     * @param random source of the storage id
     * @throws CheckpointException when the file is of another format, cut or altered; nothing is left behind
     */
    public static CheckpointManifest restore(
            final Path file,
            final Path dataDirectory,
            final String clusterId,
            final int nodeId,
            final LongSupplier random,
            final LongConsumer progress)
            throws IOException {
        final Path target = dataDirectory.toAbsolutePath();
        final Path parent = target.getParent();
        if (parent == null
                || (Files.exists(target) && !DurableFiles.list(target).isEmpty())) {
            throw new CheckpointException(dataDirectory + " is not empty; give a directory that does not exist yet");
        }
        Files.createDirectories(parent);
        final Path building = Files.createTempDirectory(parent, "." + target.getFileName() + "-restoring-");
        try {
            Identity.open(building, nodeId, clusterId, random).close();
            final CheckpointManifest manifest = SnapshotFile.read(file, new SnapshotRestore(building), progress);
            final RocksStore.Content content = RocksStore.contentOf(building.resolve(Installation.STORE));
            final AppliedState found = content.applied();
            if (!found.equals(manifest.applied())) {
                throw new CheckpointException(file + " contradicts itself: its database holds " + found
                        + ", its manifest says " + manifest.applied());
            }
            if (!content.membership().isEmpty()) {
                forgetMembership(building.resolve(Installation.STORE));
            }
            DurableFiles.forceDirectory(building.resolve(Installation.STORE));
            new Installation(building)
                    .intend(manifest.applied().index(), manifest.applied().term(), manifest.checkpointId());
            Files.move(building, target, StandardCopyOption.ATOMIC_MOVE);
            DurableFiles.forceDirectory(parent);
            return manifest;
        } finally {
            DurableFiles.deleteTree(building);
        }
    }

    /** The members of the cluster that was saved are not those of the new one: its nodes' settings say who they are. */
    private static void forgetMembership(final Path database) {
        try (RocksStore store = RocksStore.open(RocksStoreConfig.of(database))) {
            store.delete(RowKind.META, KvStateMachine.CONFIG_NAME, 0, KvStateMachine.CONFIG_NAME.capacity());
            store.write();
        }
    }

    @Override
    public void onManifest(final CheckpointManifest manifest) throws IOException {
        Files.createDirectory(building.resolve(Installation.STORE));
    }

    @Override
    public void onBytes(final CheckpointManifest.Entry file, final ByteBuffer piece) throws IOException {
        try (FileChannel channel = FileChannel.open(path(file), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            while (piece.hasRemaining()) {
                bytes += channel.write(piece, bytes);
            }
        }
    }

    @Override
    public void onFileEnd(final CheckpointManifest.Entry file) throws IOException {
        if (file.length() == 0) {
            Files.createFile(path(file));
        }
        DurableFiles.forceFile(path(file));
        bytes = 0;
    }

    private Path path(final CheckpointManifest.Entry file) {
        return building.resolve(Installation.STORE).resolve(file.name());
    }
}
