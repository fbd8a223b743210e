package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/** One sample of each message, with a different byte in each field so that a moved field shows. */
final class Messages {
    static final byte[] KEY = "key-1".getBytes(StandardCharsets.UTF_8);
    static final byte[] VALUE = "value \u00e9 1".getBytes(StandardCharsets.UTF_8);
    static final NodeStatus NODE = new NodeStatus(
            3,
            StatusReplyDescriptor.ROLE_FOLLOWER,
            StatusReplyDescriptor.DURABILITY_FORCED,
            0x0102030405060708L,
            0x1112131415161718L,
            0x2122232425262728L,
            0x3132333435363738L,
            0x4142434445464748L,
            0xF1F2F3F4F5F6F7F8L,
            2,
            "127.0.0.1:7402");

    static final Map<String, byte[]> ALL = all();

    static byte[] get(String name) {
        return Objects.requireNonNull(ALL.get(name), name);
    }

    static byte[] encode(Consumer<ByteBuf> message) {
        ByteBuf out = Unpooled.buffer();
        message.accept(out);
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        return bytes;
    }

    private static Map<String, byte[]> all() {
        ClientMessageEncoder e = new ClientMessageEncoder();
        Map<String, byte[]> all = new LinkedHashMap<>();
        all.put("hello", encode(o -> e.hello(o, 1, 1, 2, 0x1122334455667788L, 0x99AABBCCDDEEFF00L)));
        all.put("hello-reply", encode(o -> e.helloReply(o, 1, Status.OK, 1, 3, 0x1122334455667788L)));
        all.put("command-open-session", encode(o -> e.openSession(o, 2)));
        all.put("command-close-session", encode(o -> e.closeSession(o, 3, 77, 9, 8)));
        all.put("command-put", encode(o -> e.put(o, 0x0807060504030201L, 77, 6, 5, KEY, VALUE)));
        all.put("command-delete", encode(o -> e.delete(o, 5, 77, 7, 5, KEY)));
        all.put("command-reply", encode(o -> {
            int start = e.beginCommandReply(o, 5, Status.NOT_FOUND, 1234, 3);
            o.writeBytes(new byte[] {1, 2, 3});
            e.end(o, start);
        }));
        all.put("get", encode(o -> e.get(o, 6, GetDescriptor.READ_STALE, 1233, KEY)));
        all.put("get-reply", encode(o -> {
            int start = e.beginGetReply(o, 6, Status.OK, 11, 22, 33, VALUE.length);
            o.writeBytes(VALUE);
            e.end(o, start);
        }));
        all.put(
                "error-reply",
                encode(o -> e.errorReply(o, 7, Status.NOT_LEADER, 2, "127.0.0.1:7402", "ask the leader")));
        all.put("status", encode(o -> e.status(o, 8)));
        all.put("status-reply", encode(o -> e.statusReply(o, 8, NODE)));
        return all;
    }

    private Messages() {}
}
