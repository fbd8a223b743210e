package dev.cairn.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A finished checkpoint on disk: {@code checkpoint-<index>-<term>/manifest} and the database's files in {@code db/}.
 * Immutable until it is deleted.
 */
public record Checkpoint(Path directory, CheckpointManifest manifest) {
    /** Name of the manifest's file in a checkpoint and in a staging directory. */
    public static final String MANIFEST_FILE = "manifest";

    /** Name of the directory with the database's files. */
    public static final String DATABASE_DIRECTORY = "db";

    private static final String TABLE_FILE_ENDING = ".sst";

    public long index() {
        return manifest.applied().index();
    }

    public long term() {
        return manifest.applied().term();
    }

    public long id() {
        return manifest.checkpointId();
    }

    /** Where a file of the manifest lies. */
    public Path file(int number) {
        return directory
                .resolve(DATABASE_DIRECTORY)
                .resolve(manifest.files().get(number).name());
    }

    /**
     * Reads every file and compares it with the manifest.
     *
     * @throws CheckpointException naming the first file that differs
     */
    public void verify() {
        for (int i = 0; i < manifest.files().size(); i++) {
            verifyFile(i);
        }
    }

    private void verifyFile(int number) {
        CheckpointManifest.Entry expected = manifest.files().get(number);
        Path file = file(number);
        try {
            long length = Files.size(file);
            if (length != expected.length()) {
                throw new CheckpointException(file + " has " + length + " bytes, expected " + expected.length());
            }
            int crc = DurableFiles.checksum(file);
            if (crc != expected.crc()) {
                throw new CheckpointException(file + " has checksum " + Integer.toHexString(crc) + ", expected "
                        + Integer.toHexString(expected.crc()));
            }
        } catch (IOException e) {
            throw new CheckpointException(file + " cannot be read: " + e, e);
        }
    }

    /**
     * Makes a database directory of it, forced: table files as links, since nobody changes those, all else as copies.
     *
     * @param target must not exist; a crash leaves it incomplete, so it is to be a temporary name
     */
    public void copyDatabase(Path target) {
        try {
            Files.createDirectory(target);
            for (int i = 0; i < manifest.files().size(); i++) {
                Path from = file(i);
                Path to = target.resolve(from.getFileName());
                if (from.toString().endsWith(TABLE_FILE_ENDING)) {
                    Files.createLink(to, from);
                } else {
                    Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES);
                }
                DurableFiles.forceFile(to);
            }
            DurableFiles.forceDirectory(target);
        } catch (IOException e) {
            throw new CheckpointException("copy of " + directory + " to " + target + " failed: " + e, e);
        }
    }
}
