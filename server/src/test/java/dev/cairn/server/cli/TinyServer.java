package dev.cairn.server.cli;

import dev.cairn.protocol.ClientMessageEncoder;
import dev.cairn.protocol.ClientRequestDecoder;
import dev.cairn.protocol.ClientRequestHandler;
import dev.cairn.protocol.CommandDescriptor;
import dev.cairn.protocol.FrameAssembler;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.NodeStatus;
import dev.cairn.protocol.Status;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A server of one map, on blocking sockets and the protocol's codec; a thread per connection. */
final class TinyServer implements AutoCloseable {
    enum Mode {
        SERVES,
        DOES_NOT_LEAD,
        NEVER_ANSWERS_WRITES,
        OTHER_CLUSTER
    }

    private final Mode mode;
    private final ServerSocket listener;
    private final Map<String, byte[]> values = new ConcurrentHashMap<>();

    TinyServer(Mode mode) throws IOException {
        this.mode = mode;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start(this::accept);
    }

    String address() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task, "tiny-server");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                start(() -> serve(socket));
            }
        } catch (IOException e) {
            if (!listener.isClosed()) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void serve(Socket socket) {
        Answers answers = new Answers();
        try (socket;
                FrameAssembler assembler = new FrameAssembler(
                        UnpooledByteBufAllocator.DEFAULT, Limits.MAX_FRAME_BYTES, (frame, offset, length) -> {
                            ClientRequestDecoder.decode(frame, offset, length, answers);
                            return true;
                        })) {
            InputStream in = socket.getInputStream();
            byte[] bytes = new byte[8192];
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                assembler.feed(Unpooled.wrappedBuffer(bytes, 0, count));
                answers.out.readBytes(socket.getOutputStream(), answers.out.readableBytes());
                answers.out.clear();
            }
        } catch (IOException e) {
            answers.out.clear(); // The client has gone: that is how a run of kvctl ends.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }

    private final class Answers implements ClientRequestHandler {
        final ByteBuf out = Unpooled.buffer();
        private final ClientMessageEncoder encoder = new ClientMessageEncoder();

        @Override
        public void onHello(long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId) {
            Status status = mode == Mode.OTHER_CLUSTER ? Status.WRONG_CLUSTER : Status.OK;
            encoder.helloReply(out, requestId, status, 1, 1, clusterIdHash);
        }

        @Override
        public void onCommand(long requestId, ByteBuf frame, int offset, int length) {
            int kind = frame.getByte(offset + CommandDescriptor.KIND_OFFSET);
            int keyLength = frame.getIntLE(offset + CommandDescriptor.KEY_LENGTH_OFFSET);
            int valueLength = frame.getIntLE(offset + CommandDescriptor.VALUE_LENGTH_OFFSET);
            int key = offset + CommandDescriptor.BLOCK_LENGTH;
            if (mode == Mode.DOES_NOT_LEAD) {
                encoder.errorReply(out, requestId, Status.NOT_LEADER, 0, "", "no leader");
            } else if (kind == CommandDescriptor.KIND_PUT && mode == Mode.SERVES) {
                byte[] value = new byte[valueLength];
                frame.getBytes(key + keyLength, value);
                values.put(hex(frame, key, keyLength), value);
                encoder.commandReply(out, requestId, Status.OK, 42);
            } else if (kind == CommandDescriptor.KIND_DELETE && mode == Mode.SERVES) {
                boolean found = values.remove(hex(frame, key, keyLength)) != null;
                encoder.commandReply(out, requestId, found ? Status.OK : Status.NOT_FOUND, 43);
            } else if (kind == CommandDescriptor.KIND_OPEN_SESSION) {
                encoder.commandReply(out, requestId, Status.OK, 41);
            }
        }

        @Override
        public void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength) {
            byte[] value = values.get(hex(frame, keyOffset, keyLength));
            if (mode == Mode.DOES_NOT_LEAD) {
                encoder.errorReply(out, requestId, Status.NOT_LEADER, 0, "", "no leader");
            } else if (value == null) {
                encoder.getReplyNotFound(out, requestId);
            } else {
                int start = encoder.beginGetReply(out, requestId, Status.OK, 40, 42, 2, value.length);
                out.writeBytes(value);
                encoder.end(out, start);
            }
        }

        @Override
        public void onStatus(long requestId) {
            encoder.statusReply(out, requestId, new NodeStatus(1, 4, 1, 3, 10, 9, 12, 11, 0xABC, 1, address()));
        }

        @Override
        public void onInvalid(long requestId, Status status, int type) {
            encoder.errorReply(out, requestId, status, 0, "", "invalid");
        }

        private static String hex(ByteBuf frame, int offset, int length) {
            byte[] bytes = new byte[length];
            frame.getBytes(offset, bytes);
            return HexFormat.of().formatHex(bytes);
        }
    }
}
