package dev.cairn.client;

import dev.cairn.protocol.ClientMessageEncoder;
import io.netty.buffer.ByteBuf;

/**
 * Asks for a session. No caller waits for it, it has no deadline; opened twice does no harm, so it counts as a read.
 */
final class OpenSessionRequest extends Request<ClientSession> {
    @Override
    boolean isWrite() {
        return false;
    }

    @Override
    void encode(ClientMessageEncoder encoder, ByteBuf out) {
        encoder.openSession(out, requestId);
    }

    @Override
    String verb() {
        return "open session";
    }
}
