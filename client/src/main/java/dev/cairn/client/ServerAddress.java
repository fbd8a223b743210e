package dev.cairn.client;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * One {@code host:port}, IPv6 in brackets.
 *
 * @param host name or literal address, without brackets
 * @param port 1 to 65535
 */
record ServerAddress(String host, int port) {
    /** An {@link IllegalArgumentException} says what is wrong with the text. */
    static ServerAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            host = "";
        }
        int port = port(text.substring(colon + 1));
        if (host.isEmpty() || port < 0) {
            throw new IllegalArgumentException(
                    "server '" + text + "': expected host:port with a port from 1 to 65535, as in 127.0.0.1:7401");
        }
        return new ServerAddress(host, port);
    }

    private static int port(String text) {
        if (text.isEmpty() || text.length() > 5 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return -1;
        }
        int port = Integer.parseInt(text);
        return port >= 1 && port <= 65535 ? port : -1;
    }

    /** The socket address of a literal host; null when a name service must be asked, which may block. */
    @Nullable
    InetSocketAddress literal() {
        byte[] address = NetUtil.createByteArrayFromIpAddressString(host);
        if (address == null) {
            return null;
        }
        try {
            return new InetSocketAddress(InetAddress.getByAddress(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("address of " + address.length + " bytes for " + host, e);
        }
    }

    /** Asks the name service; blocks. Unresolved when the name is unknown. */
    InetSocketAddress resolve() {
        return new InetSocketAddress(host, port);
    }
}
