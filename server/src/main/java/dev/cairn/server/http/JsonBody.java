package dev.cairn.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The JSON objects that requests carry: known fields of the right type, nothing behind them, nothing twice. */
final class JsonBody {
    /** One key with its value; value null = none was given. */
    @SuppressWarnings("ArrayRecordComponent") // never compared, shared or changed
    record Item(byte @Nullable [] key, byte @Nullable [] value) {}

    private static final int MAX_DEPTH = 4;
    private static final int MAX_NUMBER_CHARS = 20;

    /** Also names the fields and limits that its messages state; the parser's own texts are not for users. */
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(MAX_NUMBER_CHARS)
                    .maxNameLength(64)
                    .build())
            .build();

    private final int maxItems;
    private @Nullable String clientId;
    private @Nullable Long sequence;
    private byte @Nullable [] key;
    private byte @Nullable [] value;
    private @Nullable Long delta;
    private @Nullable String mode;
    private @Nullable List<Item> entries;
    private @Nullable List<byte[]> keys;

    /**
     * @param allowed names of fields that the route knows
     * @param maxItems of a list
     */
    JsonBody(final byte[] body, final Set<String> allowed, final int maxItems) {
        this.maxItems = maxItems;
        try (JsonParser parser = FACTORY.createParser(body)) {
            readObject(parser, allowed);
            if (parser.nextToken() != null) {
                throw HttpProblem.badRequest("the body goes on behind its JSON object");
            }
        } catch (StreamConstraintsException e) {
            throw HttpProblem.badRequest("the JSON body is nested too deep, or a name or number is too long");
        } catch (IOException e) {
            throw HttpProblem.badRequest("the body is not valid JSON: " + firstLine(e));
        }
    }

    private static String firstLine(final IOException e) {
        final String text = String.valueOf(e.getMessage());
        final int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }

    private void readObject(final JsonParser parser, final Set<String> allowed) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw HttpProblem.badRequest("the body must be one JSON object");
        }
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            final String name = parser.currentName();
            if (!allowed.contains(name)) {
                throw HttpProblem.badRequest(
                        "unknown field '" + name + "'; allowed here: " + String.join(", ", allowed));
            }
            parser.nextToken();
            readField(parser, name);
        }
    }

    private void readField(final JsonParser parser, final String name) throws IOException {
        switch (name) {
            case "client_id" -> clientId = string(parser, name);
            case "seq" -> sequence = number(parser, name);
            case "delta" -> delta = number(parser, name);
            case "mode" -> mode = string(parser, name);
            case "key", "key_base64" -> key = once(key, bytes(parser, name), "key");
            case "value", "value_base64" -> value = once(value, bytes(parser, name), "value");
            case "entries" -> entries = readEntries(parser);
            case "keys", "keys_base64" -> keys = readKeys(parser, name);
            default -> throw new IllegalStateException("field without reader: " + name);
        }
    }

    private static byte[] once(final byte @Nullable [] before, final byte[] now, final String what) {
        if (before != null) {
            throw HttpProblem.badRequest("both '" + what + "' and '" + what + "_base64' are given");
        }
        return now;
    }

    private static byte[] bytes(final JsonParser parser, final String name) throws IOException {
        final String text = string(parser, name);
        if (!name.endsWith("_base64")) {
            return Query.bytesOf(text, "field '" + name + "'");
        }
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.badRequest("field '" + name + "' is not base64");
        }
    }

    private static String string(final JsonParser parser, final String name) throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            throw HttpProblem.badRequest("field '" + name + "' must be a string");
        }
        return parser.getText();
    }

    private static long number(final JsonParser parser, final String name) throws IOException {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
                || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
            throw HttpProblem.badRequest("field '" + name + "' must be a whole number of 64 bits");
        }
        return parser.getLongValue();
    }

    private List<Item> readEntries(final JsonParser parser) throws IOException {
        requireArray(parser, "entries");
        final List<Item> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw HttpProblem.badRequest("'entries' must hold objects");
            }
            items.add(readItem(parser));
            requireRoom(items.size(), "entries");
        }
        return items;
    }

    private static Item readItem(final JsonParser parser) throws IOException {
        byte[] itemKey = null;
        byte[] itemValue = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            final String name = parser.currentName();
            parser.nextToken();
            switch (name) {
                case "key", "key_base64" -> itemKey = once(itemKey, bytes(parser, name), "key");
                case "value", "value_base64" -> itemValue = once(itemValue, bytes(parser, name), "value");
                default ->
                    throw HttpProblem.badRequest("unknown field '" + name
                            + "' of an entry; allowed here: key, key_base64, value, value_base64");
            }
        }
        return new Item(itemKey, itemValue);
    }

    private List<byte[]> readKeys(final JsonParser parser, final String name) throws IOException {
        requireArray(parser, name);
        final List<byte[]> all = keys == null ? new ArrayList<>() : keys;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            all.add(bytes(parser, name));
            requireRoom(all.size(), "keys");
        }
        return all;
    }

    private static void requireArray(final JsonParser parser, final String name) {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw HttpProblem.badRequest("field '" + name + "' must be an array");
        }
    }

    private void requireRoom(final int count, final String name) {
        if (count > maxItems) {
            throw new HttpProblem(413, "too_many_items", "more than " + maxItems + " " + name + " in one request");
        }
    }

    @Nullable
    String clientId() {
        return clientId;
    }

    @Nullable
    Long sequence() {
        return sequence;
    }

    byte @Nullable [] key() {
        return key;
    }

    byte @Nullable [] value() {
        return value;
    }

    @Nullable
    Long delta() {
        return delta;
    }

    @Nullable
    String mode() {
        return mode;
    }

    @Nullable
    List<Item> entries() {
        return entries;
    }

    @Nullable
    List<byte[]> keys() {
        return keys;
    }
}
