package dev.cairn.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.FeatureTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Each id of {@code docs/features.md} was shown by a test of this build. Not one of the module's tests: it runs by itself
 * when those of the last module are done, see the module's POM. {@code -Dfeatures.update=true} writes the names of the
 * tests into the table.
 */
final class FeatureTableGate {
    /** All features of the checklist. */
    private static final int FEATURES = 164;

    private static final Path ROOT = Path.of("..");
    private static final Path TABLE = ROOT.resolve("docs/features.md");

    @Test
    void everyFeatureWasShownByATestOfThisBuild() throws IOException {
        final List<Path> modules = FeatureTable.modulesOf(ROOT);
        final String build = System.getProperty("cairn.covers.build", "");
        if (Boolean.getBoolean("features.update")) {
            FeatureTable.update(TABLE, modules, build);
        }
        assertThat(FeatureTable.problems(TABLE, FEATURES, modules, build))
                .as("docs/features.md; mvn verify -Dfeatures.update=true writes the names of the tests anew")
                .isEmpty();
    }
}
