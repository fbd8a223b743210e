package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.PrimitiveIterator;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Covers("W07")
class IdentityTest {
    private static final String TEXT = """
            # Whose this data directory is. Do not edit, do not copy to another node.
            cluster.id=blue
            format.version=1
            node.id=3
            storage.id=00000000000000ff
            """;

    @TempDir
    Path dir;

    private static Identity open(Path dataDir) {
        return Identity.open(dataDir, 3, "blue", () -> 0xff);
    }

    @Test
    @Covers("W07")
    void firstStartMakesTheDirectoryAndWritesTheIdentity() {
        Path dataDir = dir.resolve("a/b/data");

        try (Identity identity = open(dataDir)) {
            assertThat(identity.nodeId()).isEqualTo(3);
            assertThat(identity.clusterId()).isEqualTo("blue");
            assertThat(identity.storageId()).isEqualTo(0xff);
        }

        assertThat(dataDir.resolve("identity.properties")).hasContent(TEXT);
        assertThat(dataDir.toFile().list()).containsExactlyInAnyOrder("node.lock", "identity.properties");
    }

    @Test
    void laterStartKeepsTheStorageId() {
        open(dir).close();

        try (Identity identity = Identity.open(dir, 3, "blue", () -> 7)) {
            assertThat(identity.storageId()).isEqualTo(0xff);
        }
    }

    @Test
    void storageIdIsNeverZeroAndUsesAll64Bits() {
        PrimitiveIterator.OfLong numbers = LongStream.of(0, 0, -1).iterator();
        Identity.open(dir, 3, "blue", numbers::nextLong).close();

        try (Identity identity = open(dir)) {
            assertThat(identity.storageId()).isEqualTo(-1);
        }
    }

    @Test
    void anyClusterNameSurvivesTheFile() {
        String odd = "a=b:c\\ #\u00e4";
        Identity.open(dir, 3, odd, () -> 1).close();

        try (Identity identity = Identity.open(dir, 3, odd, () -> 2)) {
            assertThat(identity.storageId()).isEqualTo(1);
        }
    }

    @Test
    void directoryOfAnotherNodeOrClusterIsRefusedByName() {
        open(dir).close();

        assertThatThrownBy(() -> Identity.open(dir, 4, "blue", () -> 1))
                .isInstanceOf(IdentityException.class)
                .hasMessage("data directory " + dir + " belongs to node 3 of cluster 'blue', but node.id is 4");
        assertThatThrownBy(() -> Identity.open(dir, 3, "red", () -> 1))
                .isInstanceOf(IdentityException.class)
                .hasMessage("data directory " + dir + " belongs to node 3 of cluster 'blue', but cluster.id is 'red'");
        assertThat(dir.resolve("identity.properties")).hasContent(TEXT);
    }

    @Test
    void refusalGivesTheLockBack() {
        open(dir).close();
        assertThatThrownBy(() -> Identity.open(dir, 4, "blue", () -> 1)).isInstanceOf(IdentityException.class);

        open(dir).close();
    }

    @Test
    void directoryInUseByThisProcessIsRefused() {
        try (Identity first = open(dir)) {
            assertThat(first.nodeId()).isEqualTo(3);
            assertThatThrownBy(() -> open(dir))
                    .isInstanceOf(IdentityException.class)
                    .hasMessageContaining("is in use by another node process (pid "
                            + ProcessHandle.current().pid() + ")");
        }
    }

    @Test
    void directoryInUseByAnotherProcessIsRefusedUntilThatEnds() throws Exception {
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        dir.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(holder.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("held");
            assertThatThrownBy(() -> open(dir))
                    .isInstanceOf(IdentityException.class)
                    .hasMessageContaining("(pid " + holder.pid() + ")");
        } finally {
            holder.destroyForcibly();
        }
        assertThat(holder.waitFor(10, TimeUnit.SECONDS)).isTrue();
        open(dir).close();
    }

    /** Holds the directory of its argument until its standard input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] args) throws IOException {
            try (Identity identity = open(Path.of(args[0]))) {
                System.out.println(identity.nodeId() == 3 ? "held" : "not held");
                System.exit(System.in.read() < 0 ? 0 : 1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"wal", "hard-state", "kv", "staging", "checkpoint-10-2"})
    void filesOfANodeWithoutIdentityAreRefusedAndKept(String name) throws IOException {
        Files.createDirectory(dir.resolve(name));

        assertThatThrownBy(() -> open(dir))
                .isInstanceOf(IdentityException.class)
                .hasMessageContaining("holds " + name + " but no identity.properties");
        assertThat(dir.resolve("identity.properties")).doesNotExist();
        assertThat(dir.resolve(name)).exists();
    }

    @Test
    void crashBeforeTheRenameLeavesAFirstStart() throws IOException {
        Files.writeString(dir.resolve("identity.properties.new"), "cluster.id=bl");

        open(dir).close();

        assertThat(dir.resolve("identity.properties")).hasContent(TEXT);
        assertThat(dir.resolve("identity.properties.new")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({
        "format.version=1,format.version=2,has format version 2",
        "format.version=1,,format.version is missing",
        "cluster.id=blue,,cluster.id is missing",
        "node.id=3,,node.id is missing",
        "storage.id=00000000000000ff,,storage.id is missing",
        "storage.id=00000000000000ff,storage.id=ff,storage.id=ff is not 16 hex digits",
        "storage.id=00000000000000ff,storage.id=0000000000000000,is not 16 hex digits",
        "storage.id=00000000000000ff,storage.id=\\u00zz,is damaged",
    })
    void damagedIdentityIsNamedAndKept(String line, String replacement, String problem) throws IOException {
        String damaged = TEXT.replace(line, replacement == null ? "" : replacement);
        Path file = Files.writeString(dir.resolve("identity.properties"), damaged);

        assertThatThrownBy(() -> open(dir))
                .isInstanceOf(IdentityException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(problem);
        assertThat(file).hasContent(damaged);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "file/data", "file/a/b"})
    void pathThatIsOrLeadsThroughAFileIsAnErrorOfTheConfiguration(String path) throws IOException {
        Path file = Files.createFile(dir.resolve("file"));

        assertThatThrownBy(() -> open(dir.resolve(path)))
                .isInstanceOf(ConfigException.class)
                .hasMessage("configuration: data.dir: " + file + " is no directory");
        assertThat(file).isEmptyFile();
    }
}
