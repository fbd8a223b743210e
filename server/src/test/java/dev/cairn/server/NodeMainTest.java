package dev.cairn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.engine.KvStoreException;
import dev.cairn.wal.HardStateInDoubtException;
import dev.cairn.wal.LogFailedException;
import dev.cairn.wal.NoSpaceException;
import dev.cairn.wal.WalDamagedException;
import dev.cairn.wal.WalException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Exit codes, which scripts rely on, and their table in {@code docs/operations.md}. */
class NodeMainTest {
    private static final Path OPERATIONS = Path.of("..", "docs", "operations.md");

    @Test
    void eachKindOfFailureHasAnExitCodeOfItsOwn() {
        final IOException cause = new IOException("Input/output error");
        assertThat(NodeMain.exitCode(new LogFailedException("force failed", cause)))
                .isEqualTo(5);
        assertThat(NodeMain.exitCode(new WalException("write of a spare failed", cause)))
                .isEqualTo(5);
        assertThat(NodeMain.exitCode(new InternalError("a fault occurred in an unsafe memory access operation")))
                .isEqualTo(5);
        assertThat(NodeMain.exitCode(new NoSpaceException("no room for the first segment", cause)))
                .isEqualTo(6);
        assertThat(NodeMain.exitCode(new KvStoreException("store cannot be opened", true, cause)))
                .isEqualTo(6);
        assertThat(NodeMain.exitCode(new WalDamagedException("1.wal", 4096, 7, "a record", "other bytes")))
                .isEqualTo(4);
        assertThat(NodeMain.exitCode(new HardStateInDoubtException("the last vote is in doubt")))
                .isEqualTo(4);
        assertThat(NodeMain.exitCode(new KvStoreException("read failed", false, cause)))
                .isEqualTo(70);
        assertThat(NodeMain.exitCode(new IllegalStateException())).isEqualTo(70);
    }

    @Test
    void theTableOfExitCodesIsComplete() throws IOException {
        final String table = Files.readString(OPERATIONS);
        for (final int code : new int[] {0, 2, 3, 4, 5, 6, 70}) {
            assertThat(table).contains("\n| " + code + " | ");
        }
    }
}
