package dev.cairn.wal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FolioProbeTest {
    @TempDir
    Path folder;

    @Test
    void itSaysWhichWriterItChoseAndWhyAndLeavesNothingBehind() throws Exception {
        FileSegmentDirectory directory = FileSegmentDirectory.open(folder.resolve("a/b"), WriterChoice.MAPPED_IF_FIT);
        assertThat(directory.writer()).matches("(mapped|channel) \\(.+\\)");
        assertThat(directory.list()).isEmpty();
        LogFixture log = new LogFixture(directory);
        assertThat(log.wal.recovery().writer()).isEqualTo(directory.writer());
        assertThat(Files.exists(folder.resolve("a/b"))).isTrue();
        log.close();
        directory.close();
    }

    /** Prepared as segments are, a file keeps the kernel's writes small; filled in one large write it need not. */
    @Test
    void aPreparedFileKeepsWritesSmallWhereTheKernelCounts() {
        FileSegmentDirectory directory = FileSegmentDirectory.open(folder, WriterChoice.MAPPED);
        FolioProbe.Result result = FolioProbe.run(directory);
        assertThat(result.reason()).containsAnyOf("wrote", "not tested");
        System.out.println("folio probe: " + result);
        directory.close();
    }
}
