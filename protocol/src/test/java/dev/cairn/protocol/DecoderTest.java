package dev.cairn.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

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
        }
    }

    @Test
    void aBlockShorterThanVersionOneIsRefused() {
        for (String name : new String[] {"hello", "get"}) {
            assertThat(request(changed(name, FrameHeader.BLOCK_LENGTH_OFFSET, 8)))
                    .contains("BAD_REQUEST");
        }
        for (String name : new String[] {"hello-reply", "command-reply", "get-reply", "error-reply", "status-reply"}) {
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
        assertThat(request(changed("get", BLOCK + GetDescriptor.READ_MODE_OFFSET, 3)))
                .contains("BAD_REQUEST");
        assertThat(request(changed("get", BLOCK + GetDescriptor.READ_MODE_OFFSET, 0)))
                .contains("BAD_REQUEST");
    }

    @Test
    void aHelloWithoutTheMagicIsRefused() {
        assertThat(request(changed("hello", BLOCK, 0))).isEqualTo("invalid 1 BAD_REQUEST type 1");
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
