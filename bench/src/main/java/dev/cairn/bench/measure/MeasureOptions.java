package dev.cairn.bench.measure;

import dev.cairn.bench.load.LoadOptions;
import dev.cairn.bench.machine.OwnDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that all measurements have. */
final class MeasureOptions {
    static final int NODES = 3;

    @Option(
            names = "--dir",
            defaultValue = "cairn-measure",
            paramLabel = "DIR",
            description = "Data and logs of the nodes; must not exist, the data is removed at the end. Default:"
                    + " ${DEFAULT-VALUE}.")
    private Path directory = Path.of("cairn-measure");

    @Option(names = "--keep", description = "Leave the data there.")
    private boolean keep;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Writes .hlog, .hgrm, .json and memory.csv here; also the disk whose force time is measured.")
    private @Nullable Path outDirectory;

    @Option(
            names = "--rate",
            defaultValue = "1000",
            paramLabel = "R",
            description = "Puts that are due per second. Default: ${DEFAULT-VALUE}.")
    int rate;

    @Option(
            names = "--seconds",
            defaultValue = "30",
            paramLabel = "S",
            description = "Length of each quiet phase. Default: ${DEFAULT-VALUE}.")
    int seconds;

    @Option(
            names = "--warmup",
            defaultValue = "20",
            paramLabel = "S",
            description = "Seconds of load before the quiet phases. Default: ${DEFAULT-VALUE}.")
    int warmup;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Configuration of the nodes; may be repeated.")
    private List<String> settings = new ArrayList<>();

    /** Defaults of a measurement, and what was given, which wins. */
    List<String> settings(List<String> defaults) {
        List<String> all = new ArrayList<>(defaults);
        all.addAll(settings);
        return all;
    }

    /** Makes the directory of the nodes. An {@link IllegalArgumentException} says that it is there already. */
    Path makeDirectory() throws IOException {
        return OwnDirectory.make(directory).path();
    }

    boolean keep() {
        return keep;
    }

    /** Null = no files are written. */
    @Nullable
    Path out() throws IOException {
        return outDirectory == null ? null : Files.createDirectories(outDirectory);
    }

    /** As the load takes them; checks all numbers. */
    LoadOptions load(String servers, int keys, int keyBytes, int valueBytes) {
        return new LoadOptions(
                servers, LoadOptions.Mode.PUT, 0, 0, rate, seconds, warmup, keys, keyBytes, valueBytes, 1);
    }
}
