package dev.cairn.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.covers.Covers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

@Covers({"K13", "K17"})
class DecoderTest {
    private static final int BLOCK = FrameHeader.HEADER_LENGTH;

    private final ClientMessageEncoder encoder = new ClientMessageEncoder();
    private final RecordingHandler handler = new RecordingHandler();

    @Test
    void unknownTypesAreNamedWithTheirRequest() {
        assertThat(request(changed("get", FrameHeader.TYPE_OFFSET, 77))).isEqualTo("invalid 6 UNKNOWN_TYPE type 77");
        assertThat(reply(changed("get-reply", FrameHeader.TYPE_OFFSET, 77)))
                .isEqualTo("invalid 6 UNKNOWN_TYPE type 77");
    }

    @Test
    void aRequestIsNoReplyAndAReplyNoRequest() {
        assertThat(reply(Messages.get("get"))).isEqualTo("invalid 6 UNKNOWN_TYPE type 5");
        assertThat(request(Messages.get("get-reply"))).isEqualTo("invalid 6 UNKNOWN_TYPE type 6");
    }

    @Test
    void anotherVersionIsRefused() {
        assertThat(request(changed("get", FrameHeader.VERSION_OFFSET, 2)))
                .isEqualTo("invalid 6 UNSUPPORTED_VERSION type 5");
        assertThat(reply(changed("get-reply", FrameHeader.VERSION_OFFSET, 0)))
                .isEqualTo("invalid 6 UNSUPPORTED_VERSION type 6");
    }

    @Test
    void lengthsThatContradictTheFrameAreRefused() {
        int[] lies = {-1, 0x7f, 0};
        for (int lie : lies) {
            assertThat(request(changed("get", BLOCK + GetDescriptor.KEY_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("get-reply", BLOCK + GetReplyDescriptor.VALUE_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("command-reply", BLOCK + CommandReplyDescriptor.RESULT_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("error-reply", BLOCK + ErrorReplyDescriptor.ADDRESS_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("status-reply", BLOCK + StatusReplyDescriptor.LEADER_ADDRESS_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(request(changed("multi-get", BLOCK + MultiGetDescriptor.KEY_COUNT_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(request(changed("scan", BLOCK + ScanDescriptor.FROM_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(request(changed("scan", BLOCK + ScanDescriptor.TO_LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("multi-get-reply", BLOCK + MultiGetReplyDescriptor.ENTRY_COUNT_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("scan-reply", BLOCK + ScanReplyDescriptor.ENTRY_COUNT_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(request(changed("change-membership", BLOCK + ChangeMembershipDescriptor.COUNT_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed("membership-reply", BLOCK + MembershipReplyDescriptor.COUNT_OFFSET, lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(changed(
                            "checkpoint-open-reply",
                            BLOCK + CheckpointOpenReplyDescriptor.MANIFEST_LENGTH_OFFSET,
                            lie)))
                    .contains("BAD_REQUEST");
            assertThat(reply(
                            changed("checkpoint-read-reply", BLOCK + CheckpointReadReplyDescriptor.LENGTH_OFFSET, lie)))
                    .contains("BAD_REQUEST");
        }
    }

    @Test
    void aBlockShorterThanVersionOneIsRefused() {
        for (String name : new String[] {"hello", "get", "multi-get", "scan", "wait-applied", "checkpoint-read"}) {
            assertThat(request(changed(name, FrameHeader.BLOCK_LENGTH_OFFSET, 8)))
                    .contains("BAD_REQUEST");
        }
        for (String name : new String[] {"change-membership", "scan-next", "scan-close", "transfer-leader"}) {
            assertThat(request(changed(name, FrameHeader.BLOCK_LENGTH_OFFSET, 4)))
                    .contains("BAD_REQUEST");
        }
        assertThat(reply(changed("wait-applied-reply", FrameHeader.BLOCK_LENGTH_OFFSET, 4)))
                .contains("BAD_REQUEST");
        for (String name : new String[] {
            "hello-reply",
            "command-reply",
            "get-reply",
            "error-reply",
            "status-reply",
            "multi-get-reply",
            "scan-reply",
            "membership-reply",
            "checkpoint-open-reply",
            "checkpoint-read-reply"
        }) {
            assertThat(reply(changed(name, FrameHeader.BLOCK_LENGTH_OFFSET, 8))).contains("BAD_REQUEST");
        }
    }

    @Test
    void aLongerBlockOfALaterVersionIsSkipped() {
        FrameCodec codec = new FrameCodec();
        ByteBuf out = Unpooled.buffer();
        int start = codec.begin(out, MessageType.GET, FrameHeader.CLIENT_VERSION, 9, GetDescriptor.BLOCK_LENGTH + 8);
        out.writeIntLE(GetDescriptor.READ_LINEARIZABLE)
                .writeIntLE(Messages.KEY.length)
                .writeLongLE(0);
        out.writeLongLE(-1);
        out.writeBytes(Messages.KEY);
        codec.end(out, start);
        ClientRequestDecoder.decode(out, 0, out.readableBytes(), handler);
        assertThat(handler.calls).containsExactly("get 9 mode 1 min 0 key [key-1]");
    }

    @Test
    void keysOfAReadAreHeldToTheLimits() {
        assertThat(getWithKeyOf(0)).contains("KEY_EMPTY");
        assertThat(getWithKeyOf(1)).startsWith("get ");
        assertThat(getWithKeyOf(Limits.MAX_KEY_BYTES)).startsWith("get ");
        assertThat(getWithKeyOf(Limits.MAX_KEY_BYTES + 1)).contains("KEY_TOO_LARGE");
    }

    @Test
    void anUnknownReadModeIsRefused() {
        assertThat(request(changed("get", BLOCK + GetDescriptor.READ_MODE_OFFSET, 5)))
                .contains("BAD_REQUEST");
        assertThat(request(changed("get", BLOCK + GetDescriptor.READ_MODE_OFFSET, 0)))
                .contains("BAD_REQUEST");
    }

    @Test
    void aHelloWithoutTheMagicIsRefused() {
        assertThat(request(changed("hello", BLOCK, 0))).isEqualTo("invalid 1 BAD_REQUEST type 1");
    }

    @Test
    void keysOfAMultiGetAreHeldToTheLimits() {
        assertThat(multiGet(new byte[0])).contains("KEY_EMPTY");
        assertThat(multiGet(new byte[Limits.MAX_KEY_BYTES])).startsWith("multiGet ");
        assertThat(multiGet(new byte[Limits.MAX_KEY_BYTES + 1])).contains("KEY_TOO_LARGE");
        assertThat(request(changed("multi-get", BLOCK + MultiGetDescriptor.READ_MODE_OFFSET, 0)))
                .contains("BAD_REQUEST");
        byte[][] keys = new byte[Limits.MAX_MULTI_GET_KEYS + 1][1];
        assertThat(multiGet(keys)).contains("BAD_REQUEST");
        assertThat(multiGet(Arrays.copyOf(keys, Limits.MAX_MULTI_GET_KEYS))).startsWith("multiGet ");
        assertThat(multiGet()).contains("BAD_REQUEST");
    }

    @Test
    void aListThatEndsWithinAnItemIsRefused() {
        int firstKey = BLOCK + MultiGetDescriptor.BLOCK_LENGTH;
        assertThat(request(changed("multi-get", firstKey, 6)))
                .as("the next length is read from the wrong place")
                .startsWith("invalid ");
        assertThat(request(changed("multi-get", firstKey + 3, 0x80))).contains("BAD_REQUEST");
        int lastKey = firstKey + Integer.BYTES + Messages.KEY.length;
        assertThat(request(changed("multi-get", lastKey, 6))).contains("BAD_REQUEST");
        assertThat(request(changed("multi-get", lastKey, 8))).contains("BAD_REQUEST");

        int firstEntry = BLOCK + ScanReplyDescriptor.BLOCK_LENGTH;
        for (int highByte : new int[] {0x7f, 0x80, 0xff}) {
            assertThat(reply(changed("scan-reply", firstEntry + 3, highByte))).contains("BAD_REQUEST");
            assertThat(reply(changed("scan-reply", firstEntry + 7, highByte))).contains("BAD_REQUEST");
            assertThat(reply(changed("multi-get-reply", BLOCK + MultiGetReplyDescriptor.BLOCK_LENGTH + 27, highByte)))
                    .contains("BAD_REQUEST");
        }
        assertThat(reply(changed("scan-reply", firstEntry, Messages.KEY.length + 1)))
                .contains("BAD_REQUEST");
    }

    @Test
    void countsThatLieCostNoMoreThanTheFrame() {
        // 2^31 - 1 entries in a frame of some bytes: refused at once, nothing is reserved for them.
        byte[] frame = Messages.get("scan-reply").clone();
        ByteBuf buffer = Unpooled.wrappedBuffer(frame);
        buffer.setIntLE(BLOCK + ScanReplyDescriptor.ENTRY_COUNT_OFFSET, Integer.MAX_VALUE);
        assertThat(reply(frame)).contains("BAD_REQUEST");
        buffer = Unpooled.wrappedBuffer(Messages.get("multi-get").clone());
        buffer.setIntLE(BLOCK + MultiGetDescriptor.KEY_COUNT_OFFSET, Integer.MAX_VALUE);
        assertThat(request(buffer.array())).contains("BAD_REQUEST");
    }

    @Test
    void boundsOfAScanMustBeInOrder() {
        assertThat(scan("a", "b")).startsWith("scan ");
        assertThat(scan("", "")).startsWith("scan ");
        assertThat(scan("a", "")).startsWith("scan ");
        assertThat(scan("", "a")).startsWith("scan ");
        assertThat(scan("a", "aa")).startsWith("scan ");
        assertThat(scan("a\u007f", "a\u0080")).as("bytes are unsigned").startsWith("scan ");
        assertThat(scan("a", "a")).contains("BAD_REQUEST");
        assertThat(scan("b", "a")).contains("BAD_REQUEST");
        assertThat(scan("aa", "a")).contains("BAD_REQUEST");
        assertThat(scan("a".repeat(Limits.MAX_KEY_BYTES), "b")).startsWith("scan ");
        assertThat(scan("a".repeat(Limits.MAX_KEY_BYTES + 1), "b")).contains("KEY_TOO_LARGE");
        assertThat(scan("a", "b".repeat(Limits.MAX_KEY_BYTES + 1))).contains("KEY_TOO_LARGE");
    }

    @Test
    void numbersOfAScanAreHeldToTheLimits() {
        assertThat(scan(0, Limits.MAX_SCAN_CHUNK_BYTES, Long.MAX_VALUE)).startsWith("scan ");
        assertThat(scan(0, Limits.MAX_SCAN_CHUNK_BYTES + 1, 0)).contains("BAD_REQUEST");
        assertThat(scan(0, -1, 0)).contains("BAD_REQUEST");
        assertThat(scan(0, 0, -1)).contains("BAD_REQUEST");
        assertThat(scan(ScanDescriptor.KNOWN_FLAGS, 0, 0)).startsWith("scan ");
        assertThat(scan(ScanDescriptor.KNOWN_FLAGS + 1, 0, 0)).contains("BAD_REQUEST");
    }

    @Test
    void waitsAndPiecesAreHeldToTheLimits() {
        assertThat(encoded(out -> encoder.waitApplied(out, 1, 0, 1))).startsWith("waitApplied ");
        assertThat(encoded(out -> encoder.waitApplied(out, 1, 0, Limits.MAX_WAIT_MS)))
                .startsWith("waitApplied ");
        assertThat(encoded(out -> encoder.waitApplied(out, 1, 0, Limits.MAX_WAIT_MS + 1)))
                .contains("BAD_REQUEST");
        assertThat(encoded(out -> encoder.waitApplied(out, 1, 0, 0))).contains("BAD_REQUEST");
        assertThat(encoded(out -> encoder.waitApplied(out, 1, -1, 1))).contains("BAD_REQUEST");
        int most = Limits.MAX_CHECKPOINT_CHUNK_BYTES;
        assertThat(encoded(out -> encoder.checkpointRead(out, 1, 1, 0, 0, most)))
                .startsWith("checkpointRead ");
        assertThat(encoded(out -> encoder.checkpointRead(out, 1, 1, 0, 0, most + 1)))
                .contains("BAD_REQUEST");
        assertThat(encoded(out -> encoder.checkpointRead(out, 1, 1, 0, 0, 0))).contains("BAD_REQUEST");
        assertThat(encoded(out -> encoder.checkpointRead(out, 1, 1, -1, 0, 1))).contains("BAD_REQUEST");
        assertThat(encoded(out -> encoder.checkpointRead(out, 1, 1, 0, -1, 1))).contains("BAD_REQUEST");
    }

    @Test
    void whatAHandlerDoesNotServeIsAnUnknownTypeToIt() {
        LenientHandler handler = new LenientHandler();
        for (String name : new String[] {
            "multi-get",
            "scan",
            "scan-next",
            "scan-close",
            "wait-applied",
            "node-details",
            "change-membership",
            "checkpoint-open",
            "checkpoint-read"
        }) {
            byte[] frame = Messages.get(name);
            handler.checksum = 0;
            ClientRequestDecoder.decode(Unpooled.wrappedBuffer(frame), 0, frame.length, handler);
            assertThat(handler.checksum).as(name).isEqualTo(-1);
        }
    }

    @Test
    void theLargestCommandFitsIntoAFrame() {
        ByteBuf out = Unpooled.buffer();
        encoder.put(out, 1, 1, 1, 1, new byte[Limits.MAX_KEY_BYTES], new byte[Limits.MAX_VALUE_BYTES]);
        assertThat(FrameCodec.checkLength(out.readableBytes(), Limits.MAX_FRAME_BYTES))
                .isEqualTo(Status.OK);
    }

    @Test
    void aLongTextIsCutAndALongAddressRefused() {
        ByteBuf out = Unpooled.buffer();
        encoder.errorReply(out, 1, Status.BUSY, 0, "", "\u20ac".repeat(5000));
        ClientReplyDecoder.decode(out, 0, out.readableBytes(), handler);
        assertThat(handler.calls.get(0)).contains("BUSY").hasSizeBetween(300, 500);
        String address = "a".repeat(Limits.MAX_ADDRESS_BYTES + 1);
        assertThatThrownBy(() -> encoder.errorReply(out, 1, Status.BUSY, 0, address, ""))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void everyCodeIsItsOwnAndComesBack() {
        Set<Integer> codes = new HashSet<>();
        for (Status status : Status.values()) {
            assertThat(Status.of(status.code())).isEqualTo(status);
            assertThat(codes.add(status.code())).isTrue();
        }
        assertThat(Status.of(65535)).isEqualTo(Status.INTERNAL);
        assertThat(Status.INTERNAL.effect()).isEqualTo(Status.Effect.UNKNOWN);
    }

    @Test
    void randomContentBehindAValidChecksumNeverThrows() {
        long seed = TestSeed.choose();
        Random random = new Random(seed);
        FrameCodec codec = new FrameCodec();
        LenientHandler lenient = new LenientHandler();
        Object[] samples = Messages.ALL.values().toArray();
        for (int round = 0; round < 50_000; round++) {
            byte[] frame = ((byte[]) samples[random.nextInt(samples.length)]).clone();
            for (int change = random.nextInt(4); change >= 0; change--) {
                frame[8 + random.nextInt(frame.length - 8)] = (byte) random.nextInt();
            }
            ByteBuf buffer = Unpooled.wrappedBuffer(frame);
            codec.end(buffer, 0);
            if (codec.validate(buffer, 0, frame.length) == Status.OK) {
                ClientRequestDecoder.decode(buffer, 0, frame.length, lenient);
                ClientReplyDecoder.decode(buffer, 0, frame.length, handler);
                assertThat(handler.calls).as("seed " + seed).hasSize(1);
                handler.calls.clear();
            }
        }
        assertThat(lenient.checksum).as("something passed the checks").isNotZero();
    }

    @Test
    void theClusterIdHashIsTheLittleEndianHeadOfItsSha256() {
        // printf abc | sha256sum = ba7816bf8f01cfea...
        assertThat(ClusterIdHash.of("abc")).isEqualTo(0xeacf018fbf1678baL);
    }

    private String getWithKeyOf(int length) {
        return request(
                Messages.encode(out -> encoder.get(out, 1, GetDescriptor.READ_LINEARIZABLE, 0, new byte[length])));
    }

    private String multiGet(byte[]... keys) {
        return encoded(out -> encoder.multiGet(out, 1, GetDescriptor.READ_LINEARIZABLE, 0, List.of(keys)));
    }

    private String scan(String from, String to) {
        return encoded(out -> encoder.scan(
                out,
                1,
                GetDescriptor.READ_LINEARIZABLE,
                0,
                0,
                0,
                0,
                from.getBytes(StandardCharsets.ISO_8859_1),
                to.getBytes(StandardCharsets.ISO_8859_1)));
    }

    private String scan(int flags, int chunkBytes, long limit) {
        byte[] none = new byte[0];
        return encoded(
                out -> encoder.scan(out, 1, GetDescriptor.READ_LINEARIZABLE, flags, chunkBytes, 0, limit, none, none));
    }

    private String encoded(Consumer<ByteBuf> message) {
        return request(Messages.encode(message));
    }

    private static byte[] changed(String name, int offset, int value) {
        byte[] frame = Messages.get(name).clone();
        frame[offset] = (byte) value;
        return frame;
    }

    private String request(byte[] frame) {
        handler.calls.clear();
        ClientRequestDecoder.decode(Unpooled.wrappedBuffer(frame), 0, frame.length, handler);
        assertThat(handler.calls).hasSize(1);
        return handler.calls.get(0);
    }

    private String reply(byte[] frame) {
        handler.calls.clear();
        ClientReplyDecoder.decode(Unpooled.wrappedBuffer(frame), 0, frame.length, handler);
        assertThat(handler.calls).hasSize(1);
        return handler.calls.get(0);
    }

    /** Takes what is handed over without looking into commands, whose content the decoder does not promise. */
    private static final class LenientHandler implements ClientRequestHandler {
        private long checksum;

        @Override
        public void onHello(long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId) {
            checksum += clientId;
        }

        @Override
        public void onCommand(long requestId, ByteBuf frame, int offset, int length) {
            checksum += frame.slice(offset, length).hashCode();
        }

        @Override
        public void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength) {
            checksum += frame.slice(keyOffset, keyLength).hashCode();
        }

        @Override
        public void onStatus(long requestId) {
            checksum++;
        }

        @Override
        public void onInvalid(long requestId, Status status, int type) {
            checksum--;
        }
    }
}
