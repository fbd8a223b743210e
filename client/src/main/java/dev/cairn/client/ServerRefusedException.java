package dev.cairn.client;

import dev.cairn.protocol.Status;

/** Every configured server refused the connection: another cluster, or no common protocol version. */
public final class ServerRefusedException extends CairnException {
    private static final long serialVersionUID = 1L;

    private final Status status;

    ServerRefusedException(Status status, String message) {
        super(message);
        this.status = status;
    }

    /** WRONG_CLUSTER or UNSUPPORTED_VERSION. */
    public Status status() {
        return status;
    }

    /** True: nothing was sent. It will fail again until the configuration changes. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
