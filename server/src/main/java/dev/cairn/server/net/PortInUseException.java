package dev.cairn.server.net;

import java.net.SocketAddress;

/** A configured address cannot be listened on. */
public final class PortInUseException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PortInUseException(final String key, final SocketAddress address, final Throwable cause) {
        super(key + "=" + address + " cannot be listened on: " + cause.getMessage(), cause);
    }
}
