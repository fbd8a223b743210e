package dev.cairn.server.cli;

import static dev.cairn.server.cli.Kvctl.EXIT_DONE;
import static dev.cairn.server.cli.Kvctl.EXIT_REFUSED;
import static dev.cairn.server.cli.Kvctl.bytes;

import dev.cairn.client.CairnClient;
import dev.cairn.client.CairnException;
import dev.cairn.client.CounterResult;
import dev.cairn.client.DeleteRangeResult;
import dev.cairn.client.DeleteResult;
import dev.cairn.client.KeyValue;
import dev.cairn.client.OutcomeUnknownException;
import dev.cairn.client.PutResult;
import dev.cairn.client.WriteBatch;
import dev.cairn.client.WriteOptions;
import dev.cairn.client.WriteResult;
import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The commands of {@code kvctl} that write; each method is one. */
@Command(name = "writes")
final class WriteCommands {
    /** Key and value with every byte as {@code \\uXXXX}, and room for the rest of the object. */
    static final int MAX_LINE_BYTES = 6 * (Limits.MAX_KEY_BYTES + Limits.MAX_VALUE_BYTES) + 1024;

    private final Kvctl kvctl;

    WriteCommands(Kvctl kvctl) {
        this.kvctl = kvctl;
    }

    /** What a put or delete may ask beyond the plain one. */
    static final class Conditions {
        @Option(names = "--prev", description = "Also print the entry that stood there.")
        private boolean previous;

        @ArgGroup(exclusive = true)
        private @Nullable Condition condition;

        static final class Condition {
            @Option(names = "--if-revision", paramLabel = "N", description = "Only if this is the key's revision.")
            private @Nullable Long revision;

            @Option(names = "--if-value", paramLabel = "VALUE", description = "Only if this is the key's value.")
            private @Nullable String value;

            @Option(names = "--if-absent", description = "Only if the key does not exist.")
            private boolean absent;
        }

        boolean any() {
            return previous || condition != null;
        }

        WriteOptions options(Kvctl kvctl) {
            WriteOptions options = WriteOptions.none();
            Condition given = condition;
            if (given != null && given.revision != null) {
                if (given.revision < 0) {
                    throw kvctl.usage(
                            "--if-revision " + given.revision + " is below 0; 0 means that the key is absent");
                }
                options = options.ifRevision(given.revision);
            } else if (given != null && given.value != null) {
                options = options.ifValue(bytes(given.value));
            } else if (given != null && given.absent) {
                options = options.ifAbsent();
            }
            return previous ? options.returnEntry() : options;
        }
    }

    @Command(mixinStandardHelpOptions = true, description = "Writes a key; prints its revision.")
    int put(
            @Parameters(paramLabel = "KEY") String key,
            @Parameters(paramLabel = "VALUE", description = "- reads it from standard input, as bytes.") String value,
            @Mixin Conditions conditions) {
        byte[] written = value.equals("-") ? readValue() : bytes(value);
        WriteOptions options = conditions.options(kvctl);
        return kvctl.call(client -> {
            if (conditions.any()) {
                return printWrite(client.put(bytes(key), written, options), key, conditions.previous);
            }
            PutResult result = client.put(bytes(key), written);
            return printRevision(result.revision());
        });
    }

    @Command(mixinStandardHelpOptions = true, description = "Removes a key; prints the revision of the removal.")
    int delete(@Parameters(paramLabel = "KEY") String key, @Mixin Conditions conditions) {
        WriteOptions options = conditions.options(kvctl);
        return kvctl.call(client -> {
            if (conditions.any()) {
                return printWrite(client.delete(bytes(key), options), key, conditions.previous);
            }
            DeleteResult result = client.delete(bytes(key));
            return result.found() ? printRevision(result.revision()) : kvctl.notFound(key);
        });
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Writes a key if it has the expected value; prints its revision.")
    int cas(
            @Parameters(paramLabel = "KEY") String key,
            @Parameters(paramLabel = "EXPECTED") String expected,
            @Parameters(paramLabel = "VALUE") String value) {
        WriteOptions options = WriteOptions.none().ifValue(bytes(expected)).returnEntry();
        return kvctl.call(client -> printWrite(client.put(bytes(key), bytes(value), options), key, false));
    }

    @Command(mixinStandardHelpOptions = true, description = "Writes a key; prints the value that stood there before.")
    int getset(@Parameters(paramLabel = "KEY") String key, @Parameters(paramLabel = "VALUE") String value) {
        return kvctl.call(client -> {
            WriteResult result = client.getAndPut(bytes(key), bytes(value));
            if (kvctl.isJson()) {
                return printWrite(result, key, true);
            }
            result.entry().ifPresent(entry -> kvctl.writeValue(entry.value()));
            return EXIT_DONE;
        });
    }

    @Command(mixinStandardHelpOptions = true, description = "Adds 1, or N, to a counter; prints the new number.")
    int incr(
            @Parameters(paramLabel = "KEY") String key,
            @Parameters(paramLabel = "N", arity = "0..1", defaultValue = "1") long by) {
        return add(key, by);
    }

    @Command(mixinStandardHelpOptions = true, description = "Takes 1, or N, from a counter; prints the new number.")
    int decr(
            @Parameters(paramLabel = "KEY") String key,
            @Parameters(paramLabel = "N", arity = "0..1", defaultValue = "1") long by) {
        if (by == Long.MIN_VALUE) {
            throw kvctl.usage("N = " + by + " has no opposite; use add");
        }
        return add(key, -by);
    }

    @Command(
            mixinStandardHelpOptions = true,
            description = "Adds a number, which may be negative, to a counter; prints the new number.")
    int add(@Parameters(paramLabel = "KEY") String key, @Parameters(paramLabel = "DELTA") long delta) {
        return kvctl.call(client -> {
            CounterResult result = client.add(bytes(key), delta);
            kvctl.out()
                    .println(
                            kvctl.isJson()
                                    ? "{\"value\":" + result.value() + ",\"revision\":" + result.revision() + "}"
                                    : Long.toString(result.value()));
            return EXIT_DONE;
        });
    }

    @Command(
            name = "mput",
            mixinStandardHelpOptions = true,
            description =
                    "Writes several keys at once, all or none. Without pairs it reads JSON lines from standard input,"
                            + " as {\"key\":\"a\",\"value\":\"b\"} or {\"key\":\"a\",\"delete\":true}; key_base64 and value_base64"
                            + " hold bytes that are no text. More than 16384 lines or 1.5 MiB become several batches.")
    int mput(@Parameters(paramLabel = "KEY VALUE", arity = "0..*") @Nullable List<String> pairs) {
        if (pairs == null || pairs.isEmpty()) {
            return mputLines();
        }
        if (pairs.size() % 2 != 0) {
            throw kvctl.usage("mput takes keys and values in turn; the last key '" + pairs.get(pairs.size() - 1)
                    + "' has no value");
        }
        return kvctl.call(client -> {
            WriteBatch batch = client.batch();
            for (int i = 0; i < pairs.size(); i += 2) {
                batch.put(bytes(pairs.get(i)), bytes(pairs.get(i + 1)));
            }
            return printRevision(batch.commit().revision());
        });
    }

    private int mputLines() {
        return kvctl.call(client -> {
            Lines lines = new Lines(client);
            try {
                Utf8Lines input = new Utf8Lines(kvctl.in(), MAX_LINE_BYTES);
                for (String line = lines.next(input); line != null; line = lines.next(input)) {
                    lines.add(line);
                }
                return lines.end();
            } catch (IllegalArgumentException wrong) {
                kvctl.err().println("kvctl: line " + lines.number + ": " + wrong.getMessage());
                kvctl.err().println(lines.written + " keys of the lines before it were written, nothing behind them.");
                return Kvctl.EXIT_USAGE;
            } catch (CairnException e) {
                if (lines.written == 0) {
                    throw e;
                }
                kvctl.err()
                        .println("kvctl: the batch of lines " + (lines.committedLine + 1) + " to " + lines.batchLine
                                + ": " + e.getMessage());
                kvctl.err()
                        .println(lines.written + " keys of lines 1 to " + lines.committedLine + " were written; "
                                + (e instanceof OutcomeUnknownException
                                        ? "this batch may or may not have been, nothing behind it."
                                        : "nothing behind them."));
                return Kvctl.exitCode(e);
            } catch (IOException e) {
                kvctl.err().println("kvctl: line " + lines.number + " cannot be read: " + e.getMessage());
                kvctl.err().println(lines.written + " keys of the lines before it were written, nothing behind them.");
                return EXIT_REFUSED;
            }
        });
    }

    /** Batches made of lines, as large as they may be. */
    private final class Lines {
        private final CairnClient client;
        private final ProgressLine progress = new ProgressLine(kvctl.err(), "keys written");
        private WriteBatch batch;
        private long batchBytes;
        private long number;
        private long written;
        private long batches;
        private long revision;
        /** The last line of the batch that is being made or sent. */
        private long batchLine;
        /** The last line of the batches that were written. */
        private long committedLine;

        Lines(CairnClient client) {
            this.client = client;
            batch = client.batch();
        }

        @Nullable
        String next(Utf8Lines input) throws IOException {
            number++;
            return input.next();
        }

        void add(String line) {
            if (line.isBlank()) {
                return;
            }
            Map<String, @Nullable Object> item = Json.parseObject(line);
            byte[] key = required(item, "key");
            boolean delete = Boolean.TRUE.equals(item.get("delete"));
            byte[] value = delete ? new byte[0] : required(item, "value");
            long bytes = (long) BatchItemDescriptor.KEY_OFFSET + key.length + value.length;
            if (batch.size() == Limits.MAX_BATCH_ITEMS || batchBytes + bytes > Limits.MAX_BATCH_BYTES) {
                commit();
            }
            batchBytes += bytes;
            if (delete) {
                batch.delete(key);
            } else {
                batch.put(key, value);
            }
            batchLine = number;
        }

        private void commit() {
            revision = batch.commit().revision();
            batches++;
            written += batch.size();
            committedLine = batchLine;
            progress.at(written);
            batch = client.batch();
            batchBytes = 0;
        }

        int end() {
            if (batch.size() > 0) {
                commit();
            }
            progress.end();
            if (batches == 0) {
                kvctl.err().println("kvctl: standard input has no lines; nothing was written");
                return EXIT_REFUSED;
            }
            kvctl.out()
                    .println(
                            kvctl.isJson()
                                    ? "{\"keys\":" + written + ",\"batches\":" + batches + ",\"revision\":" + revision
                                            + "}"
                                    : "revision=" + revision + " keys=" + written + " batches=" + batches);
            return EXIT_DONE;
        }
    }

    private static byte[] required(Map<String, @Nullable Object> item, String name) {
        if (item.get(name) instanceof String text) {
            if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
                throw new IllegalArgumentException(
                        "\"" + name + "\" holds half of a surrogate pair; write such bytes as \"" + name + "_base64\"");
            }
            return bytes(text);
        }
        if (item.get(name + "_base64") instanceof String text) {
            return Base64.getDecoder().decode(text);
        }
        throw new IllegalArgumentException("\"" + name + "\" or \"" + name + "_base64\" is missing, or is no text");
    }

    @Command(
            name = "delete-prefix",
            mixinStandardHelpOptions = true,
            description = "Removes all keys that begin so, however many, at once; prints the revision.")
    int deletePrefix(@Parameters(paramLabel = "PREFIX") String prefix) {
        return kvctl.call(
                client -> printRevision(client.deletePrefix(bytes(prefix)).revision()));
    }

    @Command(
            name = "delete-range",
            mixinStandardHelpOptions = true,
            description = "Removes the keys from FROM (inclusive) to TO (exclusive) at once; prints the revision.")
    int deleteRange(
            @Parameters(paramLabel = "FROM TO", arity = "0..2") @Nullable List<String> bounds,
            @Option(names = "--all", description = "Remove all keys of the store.") boolean all,
            @Option(names = "--yes", description = "Needed with --all.") boolean yes) {
        List<String> given = bounds == null ? new ArrayList<>() : bounds;
        if (all ? !given.isEmpty() : given.size() != 2) {
            throw kvctl.usage("delete-range takes FROM and TO, or --all instead");
        }
        if (all && !yes) {
            throw kvctl.usage("delete-range --all removes every key; say --yes if that is meant");
        }
        if (!all && !given.get(1).isEmpty() && Arrays.compareUnsigned(bytes(given.get(0)), bytes(given.get(1))) >= 0) {
            throw kvctl.usage("FROM '" + given.get(0) + "' is not below TO '" + given.get(1) + "'");
        }
        return kvctl.call(client -> {
            DeleteRangeResult result = all
                    ? client.deleteRange(new byte[0], new byte[0])
                    : client.deleteRange(bytes(given.get(0)), bytes(given.get(1)));
            return printRevision(result.revision());
        });
    }

    private int printRevision(long revision) {
        kvctl.out().println(kvctl.isJson() ? "{\"revision\":" + revision + "}" : "revision=" + revision);
        return EXIT_DONE;
    }

    private int printWrite(WriteResult result, String key, boolean previous) {
        KeyValue entry = result.entry().orElse(null);
        if (kvctl.isJson()) {
            kvctl.out()
                    .println("{\"applied\":" + result.applied() + ",\"revision\":" + result.revision() + ",\"entry\":"
                            + (entry == null ? "null" : KvctlOutput.json(entry)) + "}");
        } else if (result.applied()) {
            kvctl.out().println("revision=" + result.revision());
            if (previous) {
                printEntry("previous", entry);
            }
        }
        if (result.applied()) {
            return EXIT_DONE;
        }
        if (!kvctl.isJson()) {
            kvctl.err().println("kvctl: not written: the condition on '" + key + "' does not hold");
            if (previous) {
                printEntry("current", entry);
            }
        }
        return EXIT_REFUSED;
    }

    private void printEntry(String which, @Nullable KeyValue entry) {
        if (entry == null) {
            kvctl.out().println(which + ": none");
        } else {
            kvctl.out()
                    .println(which + ": " + KvctlOutput.printable(entry.value()) + "  (revision " + entry.modRevision()
                            + ", version " + entry.version() + ")");
        }
    }

    private byte[] readValue() {
        byte[] value;
        try {
            value = kvctl.in().readNBytes(Limits.MAX_VALUE_BYTES + 1);
        } catch (IOException e) {
            throw kvctl.usage("standard input cannot be read: " + e.getMessage());
        }
        if (value.length > Limits.MAX_VALUE_BYTES) {
            throw kvctl.usage(
                    "standard input is longer than a value may be, which is " + Limits.MAX_VALUE_BYTES + " bytes");
        }
        return value;
    }
}
