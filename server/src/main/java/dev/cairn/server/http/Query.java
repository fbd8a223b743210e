package dev.cairn.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Path and query of a request, percent-decoded to bytes: keys are bytes, not text. */
final class Query {
    private final Map<String, byte[]> values = new HashMap<>();

    /**
     * @param rawQuery behind the question mark, empty if none
     * @param allowed names that the route knows
     */
    Query(final String rawQuery, final Set<String> allowed) {
        if (rawQuery.isEmpty()) {
            return;
        }
        for (final String part : rawQuery.split("&", -1)) {
            final int equals = part.indexOf('=');
            final String name = text(decode(equals < 0 ? part : part.substring(0, equals), true), "parameter name");
            if (!allowed.contains(name)) {
                throw HttpProblem.badRequest(
                        "unknown parameter '" + name + "'; allowed here: " + String.join(", ", allowed));
            }
            final byte[] value = equals < 0 ? new byte[0] : decode(part.substring(equals + 1), true);
            if (values.put(name, value) != null) {
                throw HttpProblem.badRequest("parameter '" + name + "' stands twice");
            }
        }
    }

    /**
     * Decodes {@code %XX}; in a query a plus sign is a space.
     *
     * @throws HttpProblem for anything else than printable ASCII and whole escapes
     */
    static byte[] decode(final String raw, final boolean plusIsSpace) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            final char c = raw.charAt(i);
            if (c == '%') {
                final int high = hex(raw, i + 1);
                final int low = high < 0 ? -1 : hex(raw, i + 2);
                if (low < 0) {
                    throw HttpProblem.badRequest("percent sign without two hexadecimal digits at " + i);
                }
                out.write(high << 4 | low);
                i += 2;
            } else if (c <= ' ' || c >= 0x7F) {
                throw HttpProblem.badRequest("character at " + i + " must be percent-encoded");
            } else {
                out.write(c == '+' && plusIsSpace ? ' ' : c);
            }
        }
        return out.toByteArray();
    }

    private static int hex(final String raw, final int index) {
        final char c = index < raw.length() ? raw.charAt(index) : 'x';
        return c < 0x80 ? Character.digit(c, 16) : -1;
    }

    /** Bytes as text, when they are text. */
    static @Nullable String textOrNull(final byte[] bytes) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** Text as bytes; half a character of UTF-16 is none. */
    static byte[] bytesOf(final String text, final String what) {
        try {
            final ByteBuffer bytes = UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            final byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            return copy;
        } catch (CharacterCodingException e) {
            throw HttpProblem.badRequest(what + " is not valid Unicode text");
        }
    }

    private static String text(final byte[] bytes, final String what) {
        final String text = textOrNull(bytes);
        if (text == null) {
            throw HttpProblem.badRequest(what + " is not UTF-8");
        }
        return text;
    }

    boolean has(final String name) {
        return values.containsKey(name);
    }

    byte @Nullable [] bytes(final String name) {
        return values.get(name);
    }

    @Nullable
    String text(final String name) {
        final byte[] value = values.get(name);
        return value == null ? null : text(value, "parameter '" + name + "'");
    }

    long number(final String name, final long min, final long max, final long otherwise) {
        final String text = text(name);
        return text == null ? otherwise : number(name, text, min, max);
    }

    private static long number(final String name, final String text, final long min, final long max) {
        if (text.matches("-?[0-9]{1,19}")) {
            try {
                final long number = Long.parseLong(text);
                if (number >= min && number <= max) {
                    return number;
                }
            } catch (NumberFormatException beyond64Bits) {
                throw notANumber(name, text, min, max);
            }
        }
        throw notANumber(name, text, min, max);
    }

    private static HttpProblem notANumber(final String name, final String text, final long min, final long max) {
        return HttpProblem.badRequest(
                "parameter '" + name + "' is '" + text + "'; allowed is a whole number from " + min + " to " + max);
    }

    /** A switch: {@code true}, {@code 1} or nothing behind the name; {@code false} or {@code 0}. */
    boolean flag(final String name) {
        final String text = text(name);
        if (text == null || text.equals("false") || text.equals("0")) {
            return false;
        }
        if (text.isEmpty() || text.equals("true") || text.equals("1")) {
            return true;
        }
        throw HttpProblem.badRequest("parameter '" + name + "' is '" + text + "'; allowed are true and false");
    }
}
