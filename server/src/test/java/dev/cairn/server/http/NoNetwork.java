package dev.cairn.server.http;

import dev.cairn.server.replica.ClientTransport;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/** A network without connections, for nodes whose only client is the gateway. */
final class NoNetwork implements ClientTransport {
    @Override
    public int poll(final Handler handler, final int limit) {
        return 0;
    }

    @Override
    public boolean hasFrames() {
        return false;
    }

    @Override
    public @Nullable MutableDirectBuffer claim(final long connectionId, final int length) {
        return null;
    }

    @Override
    public void send() {
        throw new IllegalStateException("nothing was claimed");
    }

    @Override
    public void flush() {
        // Nothing was sent.
    }
}
