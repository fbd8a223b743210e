package dev.cairn.server;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Host and port. {@code host} is a name, an IPv4 address or an IPv6 address without brackets; the text form puts
 * brackets around IPv6, so that the last colon always separates the port.
 */
public record Address(String host, int port) {
    static final int MAX_PORT = 65535;
    static final int MAX_HOST_CHARS = 253;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?");
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?");
    private static final Pattern TEXT = Pattern.compile("(?<host>\\[[^\\[\\]]*]|[^:\\[\\]]*):(?<port>[^:]*)");

    public Address {
        if (!isHost(host)) {
            throw new IllegalArgumentException("not a host name or address: '" + host + "'");
        }
        if (port < 1 || port > MAX_PORT) {
            throw new IllegalArgumentException("port " + port + " is not within 1-" + MAX_PORT);
        }
    }

    /**
     * Reads {@code host:port}, an IPv6 host in brackets.
     *
     * @throws IllegalArgumentException with a sentence that names what is wrong
     */
    public static Address parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not host:port (an IPv6 host stands in brackets)");
        }
        return new Address(parseHost(matcher.group("host")), parsePort(matcher.group("port")));
    }

    /** The host of a text form: as it stands, or an IPv6 address without its brackets. */
    static String parseHost(String text) {
        if (!text.startsWith("[")) {
            return text;
        }
        String inner = text.substring(1, text.length() - 1);
        if (!IPV6.matcher(inner).matches()) {
            throw new IllegalArgumentException("not an IPv6 address: '" + inner + "'");
        }
        return inner;
    }

    static int parsePort(String text) {
        // At most five digits, so that parseInt cannot overflow; signs and non-ASCII digits are refused.
        if (!text.matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException("port '" + text + "' is not a number within 1-" + MAX_PORT);
        }
        return Integer.parseInt(text);
    }

    private static boolean isHost(String host) {
        return host.length() <= MAX_HOST_CHARS
                && (NAME.matcher(host).matches() || IPV6.matcher(host).matches());
    }

    @Override
    public String toString() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
}
