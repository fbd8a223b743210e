package dev.cairn.server.replica;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a member is, as configuration entries and operators write it: {@code host:peerPort:clientPort[:httpPort]}.
 *
 * @param host a name or an address; an IPv6 address without its brackets
 * @param httpPort 0 = no HTTP gateway that others know of
 */
public record MemberAddress(String host, int peerPort, int clientPort, int httpPort) {
    private static final int MAX_PORT = 65_535;
    private static final Pattern TEXT = Pattern.compile(
            "(?<host>\\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)"
                    + ":(?<peer>[0-9]{1,5}):(?<client>[0-9]{1,5})(:(?<http>[0-9]{1,5}))?");

    /** Null when it is none: two or three different ports behind a host. */
    public static @Nullable MemberAddress parse(final String text) {
        final Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        final String host = matcher.group("host");
        final String http = matcher.group("http");
        final MemberAddress address = new MemberAddress(
                host.startsWith("[") ? host.substring(1, host.length() - 1) : host,
                Integer.parseInt(matcher.group("peer")),
                Integer.parseInt(matcher.group("client")),
                http == null ? 0 : Integer.parseInt(http));
        final boolean good = isPort(address.peerPort)
                && isPort(address.clientPort)
                && (http == null || isPort(address.httpPort))
                && address.peerPort != address.clientPort
                && address.httpPort != address.peerPort
                && address.httpPort != address.clientPort;
        return good ? address : null;
    }

    private static boolean isPort(final int port) {
        return port >= 1 && port <= MAX_PORT;
    }

    /** {@code host:port} for clients. */
    public String client() {
        return hostText() + ":" + clientPort;
    }

    /** {@code host:port} of the gateway, empty when there is none. */
    public String http() {
        return httpPort == 0 ? "" : hostText() + ":" + httpPort;
    }

    /** Whether both want a port of the same host. */
    boolean sharesPortWith(final MemberAddress other) {
        return host.equals(other.host)
                && (has(other.peerPort) || has(other.clientPort) || (other.httpPort != 0 && has(other.httpPort)));
    }

    private boolean has(final int port) {
        return port == peerPort || port == clientPort || port == httpPort;
    }

    private String hostText() {
        return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    }

    @Override
    public String toString() {
        return hostText() + ":" + peerPort + ":" + clientPort + (httpPort == 0 ? "" : ":" + httpPort);
    }
}
