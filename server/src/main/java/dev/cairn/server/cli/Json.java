package dev.cairn.server.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON text: objects become maps, arrays lists, numbers longs where they are whole and fit, else doubles. Small inputs
 * only: lines that people write, and what nodes say about themselves.
 */
final class Json {
    private static final int MAX_DEPTH = 32;

    private final String text;
    private int position;

    private Json(String text) {
        this.text = text;
    }

    /**
     * The value that the text is.
     *
     * @throws IllegalArgumentException with the place, when it is no JSON
     */
    static @Nullable Object parse(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.skipBlanks();
        if (json.position < text.length()) {
            throw json.wrong("the end");
        }
        return value;
    }

    /** The object that the text is; its members' names are unique. */
    static Map<String, @Nullable Object> parseObject(String text) {
        return object(parse(text));
    }

    /** The value as an object. */
    @SuppressWarnings("unchecked") // maps here are made by this class, with text as keys
    static Map<String, @Nullable Object> object(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return (Map<String, @Nullable Object>) map;
        }
        throw new IllegalArgumentException("expected is a JSON object, as in {\"key\":\"a\",\"value\":\"b\"}");
    }

    private @Nullable Object value(int depth) {
        if (depth > MAX_DEPTH) {
            throw wrong("fewer than " + MAX_DEPTH + " levels");
        }
        skipBlanks();
        if (position == text.length()) {
            throw wrong("a value");
        }
        return switch (text.charAt(position)) {
            case '{' -> members(depth);
            case '[' -> elements(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, @Nullable Object> members(int depth) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        position++;
        if (accept('}')) {
            return members;
        }
        do {
            skipBlanks();
            String name = string();
            expect(':');
            if (members.containsKey(name)) {
                throw wrong("a name that is there once, not \"" + name + "\" again");
            }
            members.put(name, value(depth + 1));
        } while (accept(','));
        expect('}');
        return members;
    }

    private List<@Nullable Object> elements(int depth) {
        List<@Nullable Object> elements = new ArrayList<>();
        position++;
        if (accept(']')) {
            return elements;
        }
        do {
            elements.add(value(depth + 1));
        } while (accept(','));
        expect(']');
        return elements;
    }

    private String string() {
        if (position == text.length() || text.charAt(position) != '"') {
            throw wrong("a text in quotes");
        }
        position++;
        StringBuilder string = new StringBuilder();
        while (position < text.length()) {
            char c = text.charAt(position++);
            if (c == '"') {
                return string.toString();
            } else if (c < 0x20) {
                position--;
                throw wrong("an escape instead of a control character");
            }
            string.append(c == '\\' ? escaped() : c);
        }
        throw wrong("a closing quote");
    }

    private char escaped() {
        char c = position < text.length() ? text.charAt(position++) : ' ';
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> unicode();
            default -> throw wrong("a known escape");
        };
    }

    private char unicode() {
        int end = position + 4;
        if (end > text.length()
                || text.substring(position, end).chars().anyMatch(digit -> Character.digit(digit, 16) < 0)) {
            throw wrong("four hexadecimal digits");
        }
        char unit = (char) Integer.parseInt(text.substring(position, end), 16);
        position = end;
        return unit;
    }

    private Object number() {
        int start = position;
        while (position < text.length() && "+-.0123456789eE".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
        String digits = text.substring(start, position);
        if (!digits.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
            position = start;
            throw wrong("a value");
        }
        return digits.matches("-?[0-9]{1,18}") ? (Object) Long.valueOf(digits) : (Object) Double.valueOf(digits);
    }

    private @Nullable Object word(String word, @Nullable Object value) {
        if (!text.startsWith(word, position)) {
            throw wrong("a value");
        }
        position += word.length();
        return value;
    }

    private boolean accept(char c) {
        skipBlanks();
        if (position < text.length() && text.charAt(position) == c) {
            position++;
            return true;
        }
        return false;
    }

    private void expect(char c) {
        if (!accept(c)) {
            throw wrong("'" + c + "'");
        }
    }

    private void skipBlanks() {
        while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
    }

    private IllegalArgumentException wrong(String expected) {
        return new IllegalArgumentException("no JSON: at character " + (position + 1) + " expected is " + expected);
    }
}
