package dev.cairn.client;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/** Keys and values of the tests are text. */
final class Text {
    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String of(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    static String of(ByteBuf frame, int offset, int length) {
        return frame.toString(offset, length, StandardCharsets.UTF_8);
    }

    private Text() {}
}
