package dev.cairn.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Writes the JSON of answers. */
final class JsonAnswer {
    private static final JsonFactory FACTORY = new JsonFactory();

    /** Fills one object. */
    interface Body {
        void write(JsonGenerator json) throws IOException;
    }

    private JsonAnswer() {}

    /** One object and a line feed, in UTF-8. */
    static byte[] object(final Body body) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            json.writeStartObject();
            body.write(json);
            json.writeEndObject();
            json.writeRaw('\n');
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory failed", e);
        }
        return out.toByteArray();
    }

    /** Bytes that are text as {@code name}, others as {@code name_base64}. */
    static void bytes(final JsonGenerator json, final String name, final byte[] bytes) throws IOException {
        final String text = Query.textOrNull(bytes);
        if (text != null) {
            json.writeStringField(name, text);
        } else {
            json.writeFieldName(name + "_base64");
            json.writeBinary(bytes);
        }
    }

    /** Value, revisions and version of an entry, into the object that is open. */
    static void entry(final JsonGenerator json, final Reply.Entry entry, final boolean withValue) throws IOException {
        if (withValue) {
            bytes(json, "value", entry.bytes());
        }
        json.writeNumberField("revision", entry.modRevision());
        json.writeNumberField("createRevision", entry.createRevision());
        json.writeNumberField("version", entry.version());
    }
}
