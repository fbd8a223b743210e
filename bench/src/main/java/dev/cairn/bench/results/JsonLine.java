package dev.cairn.bench.results;

import java.util.Locale;
import java.util.Map;

/** One JSON object on one line. */
public final class JsonLine {
    private final StringBuilder text = new StringBuilder("{");

    public JsonLine put(String name, String value) {
        return raw(name, quoted(value));
    }

    public JsonLine put(String name, long value) {
        return raw(name, Long.toString(value));
    }

    /** With one decimal; a value that is not a number becomes null. */
    public JsonLine put(String name, double value) {
        return raw(name, Double.isFinite(value) ? String.format(Locale.ROOT, "%.1f", value) : "null");
    }

    /** With three decimals; a value that is not a number becomes null. */
    public JsonLine putRatio(String name, double value) {
        return raw(name, Double.isFinite(value) ? String.format(Locale.ROOT, "%.3f", value) : "null");
    }

    public JsonLine put(String name, boolean value) {
        return raw(name, Boolean.toString(value));
    }

    public JsonLine put(String name, Map<String, Long> counts) {
        JsonLine inner = new JsonLine();
        counts.forEach(inner::put);
        return raw(name, inner.end());
    }

    /** The object; nothing may be added any more. */
    public String end() {
        return text.append('}').toString();
    }

    private JsonLine raw(String name, String value) {
        if (text.length() > 1) {
            text.append(',');
        }
        text.append(quoted(name)).append(':').append(value);
        return this;
    }

    private static String quoted(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
