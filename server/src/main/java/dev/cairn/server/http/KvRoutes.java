package dev.cairn.server.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.cairn.protocol.BatchItemDescriptor;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.GetDescriptor;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.ResultEntryDescriptor;
import dev.cairn.protocol.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The routes that read and write keys. Gateway's thread. */
final class KvRoutes {
    private static final byte[] NOTHING = new byte[0];
    private static final Set<String> IDENTITY_FIELDS = names("client_id", "seq");
    private static final Set<String> VALUE_FIELDS = names("client_id", "seq", "value", "value_base64");
    private static final Set<String> SET_FIELDS =
            names("client_id", "seq", "key", "key_base64", "value", "value_base64");
    private static final Set<String> ENTRIES_FIELDS = names("client_id", "seq", "entries");
    private static final Set<String> KEYS_FIELDS = names("keys", "keys_base64");

    /** Whose write it is; client id null = nobody's in particular. */
    private record Writer(@Nullable String clientId, long sequence) {}

    private final NodeCalls calls;
    private final GatewaySession sessions;
    private static final String MODES = "linearizable, follower, lease and stale";

    private int readMode = GetDescriptor.READ_LINEARIZABLE;

    KvRoutes(final NodeCalls calls) {
        this.calls = calls;
        sessions = new GatewaySession(calls);
    }

    private static Set<String> names(final String... names) {
        return new TreeSet<>(List.of(names));
    }

    // ---- reads ---------------------------------------------------------------------------------------------------

    void getKey(final Exchange exchange) {
        get(exchange, exchange.key(), exchange.wantsJson());
    }

    void legacyGet(final Exchange exchange) {
        get(exchange, parameterKey(exchange), true);
    }

    private static byte[] parameterKey(final Exchange exchange) {
        final byte[] key = exchange.query().bytes("key");
        if (key == null) {
            throw HttpProblem.badRequest("parameter 'key' is missing");
        }
        return key;
    }

    private void get(final Exchange exchange, final byte[] key, final boolean json) {
        requireKey(key);
        final int mode = readMode(exchange);
        final long minRevision = minRevision(exchange);
        calls.query(
                (encoder, out, requestId) -> encoder.get(out, requestId, mode, minRevision, key),
                exchange.guard(reply -> {
                    if (reply instanceof Reply.Get got) {
                        answerGet(exchange, key, got, json);
                    } else {
                        unexpected(exchange, reply);
                    }
                }));
    }

    private static void answerGet(final Exchange exchange, final byte[] key, final Reply.Get got, final boolean json) {
        if (got.status() != Status.OK) {
            problem(exchange, got.status(), "there is no such key");
            return;
        }
        final Reply.Entry entry = got.entry();
        entryHeaders(exchange, entry);
        if (json) {
            exchange.ok(out -> {
                JsonAnswer.bytes(out, "key", key);
                JsonAnswer.entry(out, entry, true);
            });
        } else {
            exchange.answer(200, Exchange.BYTES, entry.bytes());
        }
    }

    private static void entryHeaders(final Exchange exchange, final Reply.Entry entry) {
        exchange.revision(entry.modRevision());
        exchange.header("X-Cairn-Create-Revision", Long.toString(entry.createRevision()));
        exchange.header("X-Cairn-Version", Long.toString(entry.version()));
    }

    void getMany(final Exchange exchange) {
        final List<byte[]> keys =
                exchange.json(KEYS_FIELDS, Limits.MAX_MULTI_GET_KEYS).keys();
        if (keys == null || keys.isEmpty()) {
            throw HttpProblem.badRequest("field 'keys' must hold 1 to " + Limits.MAX_MULTI_GET_KEYS + " keys");
        }
        keys.forEach(KvRoutes::requireKey);
        final int mode = readMode(exchange);
        final long minRevision = minRevision(exchange);
        calls.query(
                (encoder, out, requestId) -> encoder.multiGet(out, requestId, mode, minRevision, keys),
                exchange.guard(reply -> {
                    if (reply instanceof Reply.MultiGet got) {
                        exchange.revision(got.revision());
                        exchange.ok(out -> answerMany(out, keys, got));
                    } else {
                        unexpected(exchange, reply);
                    }
                }));
    }

    private static void answerMany(final JsonGenerator out, final List<byte[]> keys, final Reply.MultiGet got)
            throws IOException {
        out.writeNumberField("revision", got.revision());
        out.writeArrayFieldStart("entries");
        for (int i = 0; i < got.entries().size(); i++) {
            final Reply.Entry entry = got.entries().get(i);
            out.writeStartObject();
            JsonAnswer.bytes(out, "key", keys.get(i));
            out.writeBooleanField("found", entry.value() != null);
            if (entry.value() != null) {
                JsonAnswer.entry(out, entry, true);
            }
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    void getRange(final Exchange exchange) {
        new RangePage(calls, exchange, readMode(exchange), minRevision(exchange)).start();
    }

    private int readMode(final Exchange exchange) {
        final String mode = exchange.query().text("read");
        return mode == null ? readMode : parseMode(mode);
    }

    private static int parseMode(final String mode) {
        return switch (mode) {
            case "linearizable" -> GetDescriptor.READ_LINEARIZABLE;
            case "stale" -> GetDescriptor.READ_STALE;
            case "follower" -> GetDescriptor.READ_FOLLOWER;
            case "lease" -> GetDescriptor.READ_LEASE;
            default -> throw HttpProblem.badRequest("read mode '" + mode + "'; allowed are " + MODES);
        };
    }

    private static long minRevision(final Exchange exchange) {
        return exchange.query().number("min_revision", 0, Long.MAX_VALUE, 0);
    }

    // ---- the read mode of requests that name none ----------------------------------------------------------------

    void getReadPolicy(final Exchange exchange) {
        exchange.query();
        exchange.ok(out -> out.writeStringField("mode", modeName()));
    }

    void putReadPolicy(final Exchange exchange) {
        String mode = exchange.query().text("mode");
        if (mode == null) {
            mode = exchange.json(names("mode"), 1).mode();
        }
        if (mode == null) {
            throw HttpProblem.badRequest("'mode' is missing; allowed are " + MODES);
        }
        readMode = parseMode(mode);
        exchange.ok(out -> out.writeStringField("mode", modeName()));
    }

    private String modeName() {
        return switch (readMode) {
            case GetDescriptor.READ_STALE -> "stale";
            case GetDescriptor.READ_FOLLOWER -> "follower";
            case GetDescriptor.READ_LEASE -> "lease";
            default -> "linearizable";
        };
    }

    // ---- writes --------------------------------------------------------------------------------------------------

    void putKey(final Exchange exchange) {
        if (!exchange.isJson()) {
            put(exchange, exchange.key(), exchange.body(), writer(exchange, null));
            return;
        }
        final JsonBody body = exchange.json(VALUE_FIELDS, 1);
        put(exchange, exchange.key(), requireValue(body.value()), writer(exchange, body));
    }

    void legacySet(final Exchange exchange) {
        final JsonBody body = exchange.json(SET_FIELDS, 1);
        final byte[] key = body.key();
        if (key == null) {
            throw HttpProblem.badRequest("field 'key' is missing");
        }
        put(exchange, key, requireValue(body.value()), writer(exchange, body));
    }

    private static byte[] requireValue(final byte @Nullable [] value) {
        if (value == null) {
            throw HttpProblem.badRequest("field 'value' is missing");
        }
        return value;
    }

    private void put(final Exchange exchange, final byte[] key, final byte[] value, final Writer writer) {
        requireKey(key);
        requireValueLength(value);
        write(exchange, conditional(exchange, CommandDescriptor.KIND_PUT, key, value), writer, result -> {
            final boolean previous = wantsPrevious(exchange);
            exchange.ok(out -> {
                out.writeNumberField("revision", result.revision());
                if (previous) {
                    previous(out, "previous", result.result());
                }
            });
        });
    }

    void deleteKey(final Exchange exchange) {
        final Writer writer = exchange.body().length == 0
                ? writer(exchange, null)
                : writer(exchange, exchange.json(IDENTITY_FIELDS, 1));
        delete(exchange, exchange.key(), writer);
    }

    void legacyDelete(final Exchange exchange) {
        delete(exchange, parameterKey(exchange), writer(exchange, null));
    }

    private void delete(final Exchange exchange, final byte[] key, final Writer writer) {
        requireKey(key);
        write(exchange, conditional(exchange, CommandDescriptor.KIND_DELETE, key, NOTHING), writer, result -> {
            final boolean previous = wantsPrevious(exchange);
            exchange.ok(out -> {
                out.writeNumberField("revision", result.revision());
                if (previous) {
                    previous(out, "previous", result.result());
                }
            });
        });
    }

    private static GatewaySession.Write conditional(
            final Exchange exchange, final int kind, final byte[] key, final byte[] value) {
        final Query query = exchange.query();
        int flags = wantsPrevious(exchange) ? CommandDescriptor.FLAG_WANT_PREVIOUS : 0;
        if (query.has("if_revision")) {
            flags |= CommandDescriptor.FLAG_IF_REVISION;
        }
        return new GatewaySession.Write(kind, flags, query.number("if_revision", 0, Long.MAX_VALUE, 0), key, value);
    }

    private static boolean wantsPrevious(final Exchange exchange) {
        return exchange.query().flag("prev");
    }

    private static void previous(final JsonGenerator out, final String name, final byte[] result) throws IOException {
        if (result.length < ResultEntryDescriptor.VALUE_OFFSET) {
            out.writeNullField(name);
            return;
        }
        final ByteBuffer fields = ByteBuffer.wrap(result).order(ByteOrder.LITTLE_ENDIAN);
        final Reply.Entry entry = new Reply.Entry(
                null,
                Arrays.copyOfRange(result, ResultEntryDescriptor.VALUE_OFFSET, result.length),
                fields.getLong(ResultEntryDescriptor.CREATE_REVISION_OFFSET),
                fields.getLong(ResultEntryDescriptor.MOD_REVISION_OFFSET),
                fields.getLong(ResultEntryDescriptor.VERSION_OFFSET));
        out.writeObjectFieldStart(name);
        JsonAnswer.entry(out, entry, true);
        out.writeEndObject();
    }

    void add(final Exchange exchange) {
        final byte[] key = exchange.key();
        requireKey(key);
        final JsonBody body = exchange.body().length == 0 ? null : exchange.json(names("client_id", "seq", "delta"), 1);
        final Long inBody = body == null ? null : body.delta();
        final long delta =
                exchange.query().number("delta", Long.MIN_VALUE, Long.MAX_VALUE, inBody == null ? 1 : inBody);
        write(exchange, GatewaySession.add(key, delta), writer(exchange, body), result -> {
            final long number = ByteBuffer.wrap(result.result())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            exchange.ok(out -> {
                out.writeNumberField("value", number);
                out.writeNumberField("revision", result.revision());
            });
        });
    }

    void putMany(final Exchange exchange) {
        final JsonBody body = exchange.json(ENTRIES_FIELDS, Limits.MAX_BATCH_ITEMS);
        final List<JsonBody.Item> entries = body.entries();
        if (entries == null || entries.isEmpty()) {
            throw HttpProblem.badRequest("field 'entries' must hold 1 to " + Limits.MAX_BATCH_ITEMS + " entries");
        }
        final byte[] items = batch(entries);
        final int count = entries.size();
        write(
                exchange,
                GatewaySession.plain(CommandDescriptor.KIND_PUT_BATCH, NOTHING, items),
                writer(exchange, body),
                result -> exchange.ok(out -> {
                    out.writeNumberField("count", count);
                    out.writeNumberField("revision", result.revision());
                }));
    }

    private static byte[] batch(final List<JsonBody.Item> entries) {
        long bytes = 0;
        for (final JsonBody.Item item : entries) {
            final byte[] key = item.key();
            if (key == null) {
                throw HttpProblem.badRequest("an entry has no 'key'");
            }
            requireKey(key);
            requireValueLength(requireValue(item.value()));
            bytes += BatchItemDescriptor.KEY_OFFSET + key.length + requireValue(item.value()).length;
        }
        if (bytes > Limits.MAX_BATCH_BYTES) {
            throw new HttpProblem(
                    413,
                    "batch_too_large",
                    "the entries have " + bytes + " bytes; allowed are " + Limits.MAX_BATCH_BYTES);
        }
        final ByteBuffer items = ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (final JsonBody.Item item : entries) {
            final byte[] key = item.key() == null ? NOTHING : item.key();
            final byte[] value = requireValue(item.value());
            items.putInt(key.length).putInt(value.length).put(key).put(value);
        }
        return items.array();
    }

    void deleteRange(final Exchange exchange) {
        final Query query = exchange.query();
        final Bounds bounds = Bounds.of(query);
        if (bounds.from().length == 0 && bounds.to().length == 0) {
            throw HttpProblem.badRequest("all keys? name a prefix, or from or to");
        }
        write(
                exchange,
                GatewaySession.plain(CommandDescriptor.KIND_DELETE_RANGE, bounds.from(), bounds.to()),
                writer(exchange, null),
                result -> exchange.ok(out -> out.writeNumberField("revision", result.revision())));
    }

    /** From the body or, where it has none, from the query; both or neither of client id and sequence. */
    private static Writer writer(final Exchange exchange, final @Nullable JsonBody body) {
        final Query query = exchange.query();
        String clientId = body == null ? null : body.clientId();
        Long sequence = body == null ? null : body.sequence();
        if (query.has("client_id") || query.has("seq")) {
            if (clientId != null || sequence != null) {
                throw HttpProblem.badRequest("client_id and seq stand in the body and in the query");
            }
            clientId = query.text("client_id");
            sequence = query.has("seq") ? Long.valueOf(query.number("seq", 1, MAX_SEQUENCE, 0)) : null;
        }
        if (clientId == null && sequence == null) {
            return new Writer(null, 0);
        }
        if (clientId == null || sequence == null) {
            throw HttpProblem.badRequest("client_id and seq belong together: one of them is missing");
        }
        final int nameBytes = Query.bytesOf(clientId, "client_id").length;
        if (nameBytes < 1 || nameBytes > Limits.MAX_SESSION_NAME_BYTES) {
            throw HttpProblem.badRequest(
                    "client_id has " + nameBytes + " bytes; allowed are 1 to " + Limits.MAX_SESSION_NAME_BYTES);
        }
        if (sequence < 1 || sequence > MAX_SEQUENCE) {
            throw HttpProblem.badRequest("seq is " + sequence + "; allowed are 1 to " + MAX_SEQUENCE);
        }
        return new Writer(clientId, sequence);
    }

    private static final long MAX_SEQUENCE = Long.MAX_VALUE - Limits.SESSION_WINDOW;

    private void write(
            final Exchange exchange,
            final GatewaySession.Write write,
            final Writer writer,
            final Consumer<Reply.Command> onOk) {
        final Consumer<Reply> then = exchange.guard(reply -> {
            if (reply instanceof Reply.Command command) {
                exchange.revision(command.revision());
                if (command.status() == Status.OK) {
                    onOk.accept(command);
                } else {
                    notDone(exchange, write, command);
                }
            } else {
                unexpected(exchange, reply);
            }
        });
        final String clientId = writer.clientId;
        if (clientId == null) {
            sessions.write(write, then);
        } else {
            sessions.writeAs(clientId, writer.sequence, write, then);
        }
    }

    private static void notDone(
            final Exchange exchange, final GatewaySession.Write write, final Reply.Command command) {
        final Status status = command.status();
        final boolean current =
                status == Status.CONDITION_FAILED && (write.flags() & CommandDescriptor.FLAG_WANT_PREVIOUS) != 0;
        exchange.problem(HttpProblem.codeOf(status), HttpProblem.errorOf(status), message(status), out -> {
            if (current) {
                previous(out, "current", command.result());
            }
        });
    }

    private static String message(final Status status) {
        return switch (status) {
            case NOT_FOUND -> "there is no such key";
            case CONDITION_FAILED -> "the key does not have the revision that if_revision names; nothing was changed";
            case NOT_A_NUMBER -> "the value is no decimal number of 64 bits; nothing was changed";
            case NUMBER_OVERFLOW -> "the sum is beyond 64 bits; nothing was changed";
            case SEQUENCE_REUSED -> "this seq of this client_id was used for another request";
            case SEQUENCE_OUT_OF_WINDOW ->
                "this seq is too old or too far ahead: of a client_id the newest " + GatewaySession.OPEN_SEQUENCES
                        + " are kept";
            default -> status.toString();
        };
    }

    // ---- common --------------------------------------------------------------------------------------------------

    private static void requireKey(final byte[] key) {
        if (key.length < Limits.MIN_KEY_BYTES) {
            throw new HttpProblem(400, "key_empty", "the key is empty; keys have 1 to 4096 bytes");
        }
        if (key.length > Limits.MAX_KEY_BYTES) {
            throw new HttpProblem(
                    400, "key_too_large", "the key has " + key.length + " bytes; allowed are " + Limits.MAX_KEY_BYTES);
        }
    }

    private static void requireValueLength(final byte[] value) {
        if (value.length > Limits.MAX_VALUE_BYTES) {
            throw new HttpProblem(
                    413,
                    "value_too_large",
                    "the value has " + value.length + " bytes; allowed are " + Limits.MAX_VALUE_BYTES);
        }
    }

    private static void problem(final Exchange exchange, final Status status, final String message) {
        exchange.problem(HttpProblem.codeOf(status), HttpProblem.errorOf(status), message);
    }

    /** A refusal, or a reply that does not belong to the request. */
    static void unexpected(final Exchange exchange, final Reply reply) {
        if (reply instanceof Reply.Refused refused) {
            exchange.refused(refused);
        } else if (reply instanceof Reply.Command command) {
            problem(exchange, command.status(), message(command.status()));
        } else {
            throw new IllegalStateException("reply " + reply.getClass() + " to " + exchange.route());
        }
    }
}
