package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/** One sample of each message, with a different byte in each field so that a moved field shows. */
final class Messages {
    static final byte[] KEY = "key-1".getBytes(StandardCharsets.UTF_8);
    static final byte[] NAME = "name-22".getBytes(StandardCharsets.UTF_8);
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
        all.put("command-open-session-named", encode(o -> e.openSession(o, 9, NAME)));
        all.put(
                "command-put-if-revision",
                encode(o -> e.command(
                        o,
                        10,
                        77,
                        8,
                        5,
                        CommandDescriptor.KIND_PUT,
                        CommandDescriptor.FLAG_IF_REVISION | CommandDescriptor.FLAG_WANT_PREVIOUS,
                        0x0102030405060708L,
                        KEY,
                        new byte[0],
                        VALUE)));
        all.put(
                "command-delete-if-value",
                encode(o -> e.command(
                        o,
                        11,
                        77,
                        9,
                        5,
                        CommandDescriptor.KIND_DELETE,
                        CommandDescriptor.FLAG_IF_VALUE,
                        0,
                        KEY,
                        VALUE,
                        new byte[0])));
        all.put("command-add", encode(o -> e.add(o, 12, 77, 10, 5, KEY, -2)));
        all.put("command-put-batch", encode(o -> {
            int start = e.beginBatch(o, 13, 77, 11, 5, 2 * BatchItemDescriptor.KEY_OFFSET + 2 + VALUE.length);
            e.batchItem(o, new byte[] {'a'}, VALUE);
            e.batchItem(o, new byte[] {'b'}, null);
            e.end(o, start);
        }));
        all.put("command-delete-range", encode(o -> e.deleteRange(o, 14, 77, 12, 5, KEY, NAME)));
        all.put("command-resolve", encode(o -> e.resolve(o, 15, 77, 13, 5)));
        all.put("multi-get", encode(o -> e.multiGet(o, 16, GetDescriptor.READ_STALE, 1233, List.of(KEY, NAME))));
        all.put("multi-get-reply", encode(o -> {
            int start = e.beginMultiGetReply(o, 16, Status.OK, 1234, 2);
            e.multiGetEntry(o, 11, 22, 33, VALUE);
            e.multiGetEntry(o, 0, 0, 0, null);
            e.end(o, start);
        }));
        all.put(
                "scan",
                encode(o -> e.scan(
                        o,
                        17,
                        GetDescriptor.READ_LINEARIZABLE,
                        ScanDescriptor.FLAG_REVERSE | ScanDescriptor.FLAG_KEYS_ONLY,
                        65536,
                        1233,
                        99,
                        KEY,
                        NAME)));
        all.put("scan-reply", encode(o -> {
            int start = e.beginScanReply(o, 17, Status.OK, true, 2, 0x0102030405060708L, 1234, 5);
            e.scanEntry(o, KEY, VALUE, 11, 22, 33);
            e.scanEntry(o, NAME, new byte[0], 44, 55, 66);
            e.end(o, start);
        }));
        all.put("scan-next", encode(o -> e.scanNext(o, 18, 0x0102030405060708L, 4711)));
        all.put("scan-close", encode(o -> e.scanClose(o, 19, 0x0102030405060708L)));
        all.put("wait-applied", encode(o -> e.waitApplied(o, 20, 1234, 5000)));
        all.put("wait-applied-reply", encode(o -> e.waitAppliedReply(o, 20, 1235)));
        all.put("node-details", encode(o -> e.nodeDetails(o, 21)));
        all.put("node-details-reply", encode(o -> e.nodeDetailsReply(o, 21, "{\"id\":1}")));
        all.put("transfer-leader", encode(o -> e.transferLeader(o, 24, 3, TransferLeaderDescriptor.FLAG_STEP_DOWN)));
        all.put(
                "change-membership",
                encode(o -> e.changeMembership(
                        o,
                        25,
                        List.of(
                                MemberChange.addVoter(4, "h4:1:2:3"),
                                MemberChange.promote(5),
                                MemberChange.remove(65535),
                                MemberChange.replace(1, 6, "[::1]:1:2")))));
        all.put("membership", encode(o -> e.changeMembership(o, 26, List.of())));
        all.put(
                "membership-reply",
                encode(o -> e.membershipReply(
                        o,
                        25,
                        new ClusterMembership(
                                1234,
                                1233,
                                1300,
                                1,
                                List.of(
                                        new ClusterMembership.Member(1, 1 | 8, 0, 1300, "h1:1:2"),
                                        new ClusterMembership.Member(2, 2, 0, 7, ""),
                                        new ClusterMembership.Member(300, 4 | 8 | 16, 2, 1299, "h3:1:2:3"))))));
        all.put("checkpoint-open", encode(o -> e.checkpointOpen(o, 22)));
        all.put("checkpoint-open-reply", encode(o -> e.checkpointOpenReply(o, 22, 7, 1234, 5, VALUE)));
        all.put("checkpoint-read", encode(o -> e.checkpointRead(o, 23, 7, 2, 4096, 65536)));
        all.put("checkpoint-read-reply", encode(o -> {
            int start = e.beginCheckpointReadReply(o, 23, Status.OK, 4096, 3);
            o.writeBytes(new byte[] {1, 2, 3});
            e.end(o, start);
        }));
        return all;
    }

    private Messages() {}
}
