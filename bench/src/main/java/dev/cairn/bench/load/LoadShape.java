package dev.cairn.bench.load;

import dev.cairn.protocol.Limits;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options that say how a load comes: how much, how long, of which sizes. */
public final class LoadShape {
    private static final int DEFAULT_OUTSTANDING = 64;

    @Option(
            names = "--outstanding",
            paramLabel = "N",
            description = "Closed loop: N operations are in flight all the time. Default: 64.")
    private @Nullable Integer outstanding;

    @Option(
            names = "--rate",
            paramLabel = "R",
            description =
                    "Open loop: R operations are started each second whatever the answers do; instead of --outstanding.")
    private @Nullable Integer rate;

    @Option(names = "--seconds", defaultValue = "10", paramLabel = "S", description = "Measured time. Default: 10.")
    private int seconds;

    @Option(
            names = "--warmup",
            defaultValue = "3",
            paramLabel = "S|auto",
            description =
                    "Seconds of the same load before it, not counted; auto: until the rate of 2 s differs by at most"
                            + " 5 %% from that of the 2 s before, 60 s at most. Default: 3.")
    private String warmup = "3";

    @Option(
            names = "--keys",
            defaultValue = "100000",
            paramLabel = "N",
            description = "Different keys. Default: 100000.")
    private int keys;

    @Option(names = "--key-bytes", defaultValue = "16", paramLabel = "N", description = "Length of a key. Default: 16.")
    private int keyBytes;

    @Option(
            names = "--value-bytes",
            defaultValue = "256",
            paramLabel = "N|N-N",
            description = "Length of a value, or two lengths between which each is drawn. Default: 256.")
    private String valueBytes = "256";

    @Option(
            names = "--key-distribution",
            paramLabel = "WORD",
            description = "Which keys are taken: uniform, zipfian (0.99, scattered), sequential or latest."
                    + " Default: uniform, or that of the workload.")
    private @Nullable KeyDistribution distribution;

    @Option(
            names = "--connections",
            paramLabel = "N",
            description = "Clients with a connection and a thread each. Default: 1 for each process.")
    private @Nullable Integer connections;

    /** What was given, checked; a {@link ParameterException} says what is wrong. */
    public LoadOptions options(CommandSpec spec, String servers, LoadOptions.Mode mode, int readPercent) {
        return options(spec, servers, mode, readPercent, LoadOptions.DEFAULT_SCAN_ENTRIES.toString(), 1);
    }

    /** @param defaultConnections where none are given */
    LoadOptions options(
            CommandSpec spec,
            String servers,
            LoadOptions.Mode mode,
            int readPercent,
            String scanEntries,
            int defaultConnections) {
        try {
            return new LoadOptions(
                    servers,
                    mode,
                    readPercent,
                    outstanding == null && rate == null ? DEFAULT_OUTSTANDING : given("--outstanding", outstanding),
                    given("--rate", rate),
                    seconds,
                    warmupSeconds(),
                    keys,
                    keyBytes,
                    SizeRange.parse("--value-bytes", valueBytes, 0, Limits.MAX_VALUE_BYTES, "bytes"),
                    connections == null ? defaultConnections : connections,
                    distribution == null ? mode.distribution() : distribution,
                    SizeRange.parse("--scan-entries", scanEntries, 1, LoadOptions.MAX_SCAN_ENTRIES, "entries"));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private int warmupSeconds() {
        if (warmup.equals("auto")) {
            return LoadOptions.WARMUP_AUTO;
        }
        if (!warmup.matches("-?\\d{1,9}")) {
            throw new IllegalArgumentException(
                    "--warmup: " + warmup + ", allowed are 0 to " + LoadOptions.MAX_SECONDS + " s, or auto");
        }
        return Integer.parseInt(warmup);
    }

    /** 0 = not given, so a given 0 must be told apart. */
    private static int given(String option, @Nullable Integer value) {
        if (value != null && value == 0) {
            throw new IllegalArgumentException(option + ": 0, allowed are numbers from 1");
        }
        return value == null ? 0 : value;
    }
}
