package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes each decoded message down as a line. */
final class RecordingHandler implements ClientRequestHandler, ClientReplyHandler {
    final List<String> calls = new ArrayList<>();

    @Override
    public void onHello(long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId) {
        calls.add("hello " + requestId + " versions " + minVersion + ".." + maxVersion + " cluster "
                + Long.toHexString(clusterIdHash) + " client " + Long.toHexString(clientId));
    }

    @Override
    public void onCommand(long requestId, ByteBuf frame, int offset, int length) {
        int keyLength = frame.getIntLE(offset + CommandDescriptor.KEY_LENGTH_OFFSET);
        int valueLength = frame.getIntLE(offset + CommandDescriptor.VALUE_LENGTH_OFFSET);
        int key = offset + frame.getUnsignedShortLE(offset + CommandDescriptor.BLOCK_LENGTH_OFFSET);
        if (key + keyLength + valueLength != offset + length) {
            throw new AssertionError("lengths do not add up to " + length);
        }
        calls.add("command " + requestId
                + " session " + frame.getLongLE(offset + CommandDescriptor.SESSION_ID_OFFSET)
                + " sequence " + frame.getLongLE(offset + CommandDescriptor.SEQUENCE_OFFSET)
                + " low " + frame.getLongLE(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET)
                + " kind " + frame.getByte(offset + CommandDescriptor.KIND_OFFSET)
                + " key " + text(frame, key, keyLength)
                + " value " + text(frame, key + keyLength, valueLength));
    }

    @Override
    public void onGet(long requestId, int readMode, long minRevision, ByteBuf frame, int keyOffset, int keyLength) {
        calls.add("get " + requestId + " mode " + readMode + " min " + minRevision + " key "
                + text(frame, keyOffset, keyLength));
    }

    @Override
    public void onStatus(long requestId) {
        calls.add("status " + requestId);
    }

    @Override
    public void onHelloReply(long requestId, Status status, int version, int nodeId, long clusterIdHash) {
        calls.add("helloReply " + requestId + " " + status + " version " + version + " node " + nodeId + " cluster "
                + Long.toHexString(clusterIdHash));
    }

    @Override
    public void onCommandReply(
            long requestId, Status status, long revision, ByteBuf frame, int resultOffset, int resultLength) {
        calls.add("commandReply " + requestId + " " + status + " revision " + revision + " result "
                + ByteBufUtil.hexDump(frame, resultOffset, resultLength));
    }

    @Override
    public void onGetReply(
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            ByteBuf frame,
            int valueOffset,
            int valueLength) {
        calls.add("getReply " + requestId + " " + status + " create " + createRevision + " mod " + modRevision
                + " version " + version + " value " + text(frame, valueOffset, valueLength));
    }

    @Override
    public void onErrorReply(long requestId, Status status, int leaderId, String leaderAddress, String text) {
        calls.add("errorReply " + requestId + " " + status + " leader " + leaderId + " [" + leaderAddress + "] [" + text
                + "]");
    }

    @Override
    public void onStatusReply(long requestId, NodeStatus node) {
        calls.add("statusReply " + requestId + " " + node);
    }

    @Override
    public void onInvalid(long requestId, Status status, int type) {
        calls.add("invalid " + requestId + " " + status + " type " + type);
    }

    private static String text(ByteBuf frame, int offset, int length) {
        return "[" + frame.toString(offset, length, StandardCharsets.UTF_8) + "]";
    }
}
