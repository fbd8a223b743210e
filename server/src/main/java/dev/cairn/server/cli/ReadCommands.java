package dev.cairn.server.cli;

import static dev.cairn.server.cli.Kvctl.EXIT_DONE;
import static dev.cairn.server.cli.Kvctl.EXIT_REFUSED;
import static dev.cairn.server.cli.Kvctl.EXIT_USAGE;
import static dev.cairn.server.cli.Kvctl.bytes;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CountResult;
import dev.cairn.client.KeyValue;
import dev.cairn.client.MultiGetResult;
import dev.cairn.client.ReadMode;
import dev.cairn.client.Scan;
import dev.cairn.client.ScanCursor;
import dev.cairn.client.ScanPage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The commands of {@code kvctl} that read; each method is one. */
@Command(name = "reads")
final class ReadCommands {
    private static final int FILE_BUFFER_BYTES = 1 << 16;

    private final Kvctl kvctl;

    ReadCommands(Kvctl kvctl) {
        this.kvctl = kvctl;
    }

    /** How fresh a read must be. */
    static final class Freshness {
        @Option(names = "--stale", description = "Read what the first server that answers has; may be old.")
        private boolean stale;

        @Option(names = "--linearizable", description = "Read what was written last; the default.")
        private boolean linearizable;

        @Option(
                names = "--follower",
                description = "As fresh as --linearizable, read at the first server that answers, leader or not.")
        private boolean follower;

        @Option(
                names = "--lease",
                description =
                        "As fresh as --linearizable while clocks can be trusted; the leader need not ask the others.")
        private boolean lease;

        @Option(
                names = "--min-revision",
                paramLabel = "N",
                defaultValue = "0",
                description = "Fail unless the server has applied this revision.")
        private long minRevision;

        ReadMode mode(CairnClient client) {
            if (stale) {
                return ReadMode.STALE;
            } else if (follower) {
                return ReadMode.FOLLOWER;
            } else if (lease) {
                return ReadMode.LEASE;
            }
            return linearizable ? ReadMode.LINEARIZABLE : client.defaultReadMode();
        }

        void check(Kvctl kvctl) {
            if (minRevision < 0) {
                throw kvctl.usage("--min-revision " + minRevision + " is below 0");
            }
            if (Stream.of(stale, follower, lease, linearizable)
                            .filter(given -> given)
                            .count()
                    > 1) {
                throw kvctl.usage("--stale, --follower, --lease and --linearizable exclude each other");
            }
        }
    }

    @Command(
            mixinStandardHelpOptions = true,
            description =
                    "Prints the value of a key and a newline, nothing else. Of several keys, all read at one moment, it"
                            + " prints keys and values.")
    int get(@Parameters(paramLabel = "KEY", arity = "1..*") List<String> keys, @Mixin Freshness freshness) {
        freshness.check(kvctl);
        return kvctl.call(client -> {
            if (keys.size() > 1) {
                return getAll(client, keys, freshness);
            }
            Optional<KeyValue> read = client.get(bytes(keys.get(0)), freshness.mode(client), freshness.minRevision);
            if (read.isEmpty()) {
                return kvctl.notFound(keys.get(0));
            }
            if (kvctl.isJson()) {
                kvctl.out().println(KvctlOutput.json(read.get()));
            } else {
                kvctl.writeValue(read.get().value());
            }
            return EXIT_DONE;
        });
    }

    private int getAll(CairnClient client, List<String> keys, Freshness freshness) {
        MultiGetResult result = client.multiGet(
                keys.stream().map(Kvctl::bytes).toList(), freshness.mode(client), freshness.minRevision);
        int exit = EXIT_DONE;
        for (int i = 0; i < keys.size(); i++) {
            Optional<KeyValue> entry = result.entries().get(i);
            if (entry.isEmpty()) {
                exit = kvctl.notFound(keys.get(i));
            } else {
                kvctl.out().println(KvctlOutput.line(entry.get(), kvctl.isJson(), false));
            }
        }
        return exit;
    }

    /** Which keys. */
    static final class Range {
        @Parameters(
                paramLabel = "PREFIX",
                arity = "0..1",
                defaultValue = "",
                description = "Keys that begin so; without it all keys.")
        private String prefix = "";

        @Option(names = "--from", paramLabel = "KEY", defaultValue = "", description = "First key, inclusive.")
        private String from = "";

        @Option(names = "--to", paramLabel = "KEY", defaultValue = "", description = "Last key, exclusive.")
        private String to = "";

        Scan scan(Kvctl kvctl, Freshness freshness, CairnClient client) {
            freshness.check(kvctl);
            boolean bounded = !from.isEmpty() || !to.isEmpty();
            if (bounded && !prefix.isEmpty()) {
                throw kvctl.usage("a PREFIX and --from or --to exclude each other");
            }
            if (!from.isEmpty() && !to.isEmpty() && from.compareTo(to) >= 0) {
                throw kvctl.usage("--from '" + from + "' is not below --to '" + to + "'");
            }
            Scan scan = bounded ? Scan.range(bytes(from), bytes(to)) : Scan.prefix(bytes(prefix));
            return scan.readMode(freshness.mode(client)).minRevision(freshness.minRevision);
        }
    }

    @Command(
            aliases = "scan",
            mixinStandardHelpOptions = true,
            description =
                    "Prints keys and values in the order of the keys' bytes, separated by a tab; with -o json one object"
                            + " per line.")
    int list(
            @Mixin Range range,
            @Mixin Freshness freshness,
            @Option(names = "--reverse", description = "From the last key on.") boolean reverse,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            defaultValue = "0",
                            description = "At most so many; a --cursor to go on with is printed to standard error.")
                    long limit,
            @Option(names = "--keys-only", description = "Without values.") boolean keysOnly,
            @Option(names = "--count-only", description = "Only how many there are.") boolean countOnly,
            @Option(names = "--cursor", paramLabel = "TEXT", description = "Go on where a --limit ended.") @Nullable
                    String cursor,
            @Option(names = "--file", paramLabel = "FILE", description = "Write there, with progress; must not exist.")
                    @Nullable
                    Path file) {
        if (limit < 0) {
            throw kvctl.usage("--limit " + limit + " is below 0");
        }
        return kvctl.call(client -> {
            Scan scan = range.scan(kvctl, freshness, client);
            if (countOnly) {
                return printCount(client.count(limit > 0 ? scan.limit(limit) : scan));
            }
            scan = reverse ? scan.reverse() : scan;
            scan = keysOnly ? scan.keysOnly() : scan;
            try {
                scan = cursor == null ? scan : scan.after(cursor);
            } catch (IllegalArgumentException wrong) {
                throw kvctl.usage("--cursor: " + wrong.getMessage());
            }
            if (file != null) {
                return listToFile(client, limit > 0 ? scan.limit(limit) : scan, keysOnly, file);
            }
            return limit > 0 ? listPages(client, scan, keysOnly, limit) : listAll(client, scan, keysOnly);
        });
    }

    private int listAll(CairnClient client, Scan scan, boolean keysOnly) {
        PrintStream buffered = new PrintStream(
                new BufferedOutputStream(kvctl.out(), FILE_BUFFER_BYTES), false, StandardCharsets.UTF_8);
        try (ScanCursor cursor = client.scan(scan)) {
            while (cursor.hasNext() && !kvctl.out().checkError()) {
                buffered.println(KvctlOutput.line(cursor.next(), kvctl.isJson(), keysOnly));
            }
        } finally {
            buffered.flush();
        }
        return EXIT_DONE;
    }

    private int listPages(CairnClient client, Scan scan, boolean keysOnly, long limit) {
        long left = limit;
        Scan rest = scan;
        while (true) {
            ScanPage page = client.scanPage(rest.limit(left));
            for (KeyValue entry : page.entries()) {
                kvctl.out().println(KvctlOutput.line(entry, kvctl.isJson(), keysOnly));
            }
            left -= page.entries().size();
            if (page.next().isEmpty()) {
                return EXIT_DONE;
            }
            if (left == 0) {
                kvctl.err().println("more: --cursor " + page.next().get());
                return EXIT_DONE;
            }
            rest = scan.after(page.next().get());
        }
    }

    private int listToFile(CairnClient client, Scan scan, boolean keysOnly, Path file) {
        ProgressLine progress = new ProgressLine(kvctl.err(), "keys");
        long count = 0;
        try (PrintStream to = new PrintStream(
                        new BufferedOutputStream(
                                Files.newOutputStream(file, StandardOpenOption.CREATE_NEW), FILE_BUFFER_BYTES),
                        false,
                        StandardCharsets.UTF_8);
                ScanCursor cursor = client.scan(scan)) {
            while (cursor.hasNext()) {
                to.println(KvctlOutput.line(cursor.next(), kvctl.isJson(), keysOnly));
                progress.at(++count);
            }
            progress.end();
            if (to.checkError()) {
                throw new IOException("the file could not be written to its end");
            }
        } catch (IOException e) {
            kvctl.err().println("kvctl: " + file + ": " + e);
            kvctl.err().println("Give the name of a file that does not exist, on a disk with room.");
            return EXIT_USAGE;
        }
        kvctl.out().println("keys=" + count);
        return EXIT_DONE;
    }

    @Command(mixinStandardHelpOptions = true, description = "Prints how many keys there are, at one moment.")
    int count(@Mixin Range range, @Mixin Freshness freshness) {
        return kvctl.call(client -> printCount(client.count(range.scan(kvctl, freshness, client))));
    }

    private int printCount(CountResult result) {
        kvctl.out()
                .println(
                        kvctl.isJson()
                                ? "{\"count\":" + result.count() + ",\"revision\":" + result.revision() + "}"
                                : Long.toString(result.count()));
        return EXIT_DONE;
    }

    @Command(
            name = "wait-applied",
            mixinStandardHelpOptions = true,
            description =
                    "Waits until the first server of --servers that answers has applied a revision; prints how far it is.")
    int waitApplied(
            @Parameters(paramLabel = "REVISION") long revision,
            @Option(
                            names = "--for",
                            paramLabel = "TIME",
                            defaultValue = "10s",
                            converter = Kvctl.DurationConverter.class,
                            description = "At most so long. Default: ${DEFAULT-VALUE}.")
                    Duration time) {
        if (revision < 0) {
            throw kvctl.usage("REVISION " + revision + " is below 0");
        }
        return kvctl.call(client -> {
            try {
                kvctl.out().println("applied=" + client.waitApplied(revision, time));
                return EXIT_DONE;
            } catch (IllegalArgumentException wrong) {
                kvctl.err().println("kvctl: " + wrong.getMessage());
                return EXIT_REFUSED;
            }
        });
    }
}
