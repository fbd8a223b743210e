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
        int expectedLength = frame.getIntLE(offset + CommandDescriptor.EXPECTED_LENGTH_OFFSET);
        int flags = frame.getByte(offset + CommandDescriptor.FLAGS_OFFSET);
        int key = offset + frame.getUnsignedShortLE(offset + CommandDescriptor.BLOCK_LENGTH_OFFSET);
        int expected = key + keyLength;
        int value = expected + expectedLength;
        if (value + valueLength != offset + length) {
            throw new AssertionError("lengths do not add up to " + length);
        }
        calls.add("command " + requestId
                + " session " + frame.getLongLE(offset + CommandDescriptor.SESSION_ID_OFFSET)
                + " sequence " + frame.getLongLE(offset + CommandDescriptor.SEQUENCE_OFFSET)
                + " low " + frame.getLongLE(offset + CommandDescriptor.LOWEST_OPEN_SEQUENCE_OFFSET)
                + " kind " + frame.getByte(offset + CommandDescriptor.KIND_OFFSET)
                + " key " + text(frame, key, keyLength)
                + " value " + text(frame, value, valueLength)
                + (flags == 0 ? "" : " flags " + flags)
                + (expectedLength == 0 ? "" : " expected " + text(frame, expected, expectedLength))
                + ((flags & CommandDescriptor.FLAG_IF_REVISION) == 0
                        ? ""
                        : " if revision " + frame.getLongLE(offset + CommandDescriptor.EXPECTED_REVISION_OFFSET)));
    }

    @Override
    public void onMultiGet(
            long requestId, int readMode, long minRevision, int keyCount, ByteBuf frame, int offset, int length) {
        StringBuilder keys = new StringBuilder();
        int at = offset;
        for (int i = 0; i < keyCount; i++) {
            int keyLength = frame.getIntLE(at);
            keys.append(' ').append(text(frame, at + Integer.BYTES, keyLength));
            at += Integer.BYTES + keyLength;
        }
        requireEnd(at, offset + length);
        calls.add("multiGet " + requestId + " mode " + readMode + " min " + minRevision + " keys" + keys);
    }

    @Override
    public void onScan(
            long requestId,
            int readMode,
            int flags,
            int chunkBytes,
            long minRevision,
            long limit,
            ByteBuf frame,
            int fromOffset,
            int fromLength,
            int toOffset,
            int toLength) {
        calls.add("scan " + requestId + " mode " + readMode + " flags " + flags + " chunk " + chunkBytes + " min "
                + minRevision + " limit " + limit + " " + text(frame, fromOffset, fromLength) + ".."
                + text(frame, toOffset, toLength));
    }

    @Override
    public void onScanNext(long requestId, long cursorId, long count) {
        calls.add("scanNext " + requestId + " cursor " + Long.toHexString(cursorId) + " count " + count);
    }

    @Override
    public void onScanClose(long requestId, long cursorId) {
        calls.add("scanClose " + requestId + " cursor " + Long.toHexString(cursorId));
    }

    @Override
    public void onWaitApplied(long requestId, long index, int timeoutMs) {
        calls.add("waitApplied " + requestId + " index " + index + " ms " + timeoutMs);
    }

    @Override
    public void onNodeDetails(long requestId) {
        calls.add("nodeDetails " + requestId);
    }

    @Override
    public void onTransferLeader(long requestId, int target, int flags) {
        calls.add("transferLeader " + requestId + " target " + target + " flags " + flags);
    }

    @Override
    public void onChangeMembership(long requestId, List<MemberChange> changes) {
        StringBuilder text = new StringBuilder("changeMembership " + requestId);
        for (MemberChange change : changes) {
            text.append(" kind ").append(change.kind()).append(" node ").append(change.nodeId());
            text.append(" replaced ")
                    .append(change.replacedId())
                    .append(" at [")
                    .append(change.address())
                    .append(']');
        }
        calls.add(text.toString());
    }

    @Override
    public void onMembershipReply(long requestId, ClusterMembership membership) {
        StringBuilder text = new StringBuilder("membershipReply " + requestId + " index " + membership.index()
                + " commit " + membership.commitIndex() + " last " + membership.lastIndex() + " leader "
                + membership.leaderId());
        for (ClusterMembership.Member member : membership.members()) {
            text.append(" node ").append(member.nodeId()).append(" flags ").append(member.flags());
            text.append(" goal ").append(member.goal()).append(" match ").append(member.matchIndex());
            text.append(" at [").append(member.address()).append(']');
        }
        calls.add(text.toString());
    }

    @Override
    public void onCheckpointOpen(long requestId) {
        calls.add("checkpointOpen " + requestId);
    }

    @Override
    public void onCheckpointRead(long requestId, long checkpointId, int fileNumber, long offset, int maxBytes) {
        calls.add("checkpointRead " + requestId + " checkpoint " + checkpointId + " file " + fileNumber + " offset "
                + offset + " max " + maxBytes);
    }

    @Override
    public void onMultiGetReply(
            long requestId, Status status, long revision, int entryCount, ByteBuf frame, int offset, int length) {
        StringBuilder entries = new StringBuilder();
        int at = offset;
        for (int i = 0; i < entryCount; i++) {
            int valueLength = frame.getIntLE(at + MultiGetReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
            int value = at + MultiGetReplyDescriptor.ENTRY_VALUE_OFFSET;
            entries.append(' ')
                    .append(frame.getLongLE(at + MultiGetReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET))
                    .append('/')
                    .append(frame.getLongLE(at + MultiGetReplyDescriptor.ENTRY_MOD_REVISION_OFFSET))
                    .append('/')
                    .append(frame.getLongLE(at + MultiGetReplyDescriptor.ENTRY_VERSION_OFFSET))
                    .append(valueLength == MultiGetReplyDescriptor.ABSENT ? "absent" : text(frame, value, valueLength));
            at = value + Math.max(0, valueLength);
        }
        requireEnd(at, offset + length);
        calls.add("multiGetReply " + requestId + " " + status + " revision " + revision + entries);
    }

    @Override
    public void onScanReply(
            long requestId,
            Status status,
            boolean more,
            long cursorId,
            long revision,
            long count,
            int entryCount,
            ByteBuf frame,
            int offset,
            int length) {
        StringBuilder entries = new StringBuilder();
        int at = offset;
        for (int i = 0; i < entryCount; i++) {
            int keyLength = frame.getIntLE(at + ScanReplyDescriptor.ENTRY_KEY_LENGTH_OFFSET);
            int valueLength = frame.getIntLE(at + ScanReplyDescriptor.ENTRY_VALUE_LENGTH_OFFSET);
            int key = at + ScanReplyDescriptor.ENTRY_KEY_OFFSET;
            entries.append(' ')
                    .append(text(frame, key, keyLength))
                    .append(frame.getLongLE(at + ScanReplyDescriptor.ENTRY_CREATE_REVISION_OFFSET))
                    .append('/')
                    .append(frame.getLongLE(at + ScanReplyDescriptor.ENTRY_MOD_REVISION_OFFSET))
                    .append('/')
                    .append(frame.getLongLE(at + ScanReplyDescriptor.ENTRY_VERSION_OFFSET))
                    .append(text(frame, key + keyLength, valueLength));
            at = key + keyLength + valueLength;
        }
        requireEnd(at, offset + length);
        calls.add("scanReply " + requestId + " " + status + (more ? " more" : "") + " cursor "
                + Long.toHexString(cursorId) + " revision " + revision + " count " + count + entries);
    }

    @Override
    public void onWaitAppliedReply(long requestId, long appliedIndex) {
        calls.add("waitAppliedReply " + requestId + " applied " + appliedIndex);
    }

    @Override
    public void onNodeDetailsReply(long requestId, ByteBuf frame, int offset, int length) {
        calls.add("nodeDetailsReply " + requestId + " " + text(frame, offset, length));
    }

    @Override
    public void onCheckpointOpenReply(
            long requestId, long checkpointId, long index, long term, ByteBuf frame, int offset, int length) {
        calls.add("checkpointOpenReply " + requestId + " checkpoint " + checkpointId + " index " + index + " term "
                + term + " " + text(frame, offset, length));
    }

    @Override
    public void onCheckpointReadReply(
            long requestId, Status status, long fileOffset, ByteBuf frame, int offset, int length) {
        calls.add("checkpointReadReply " + requestId + " " + status + " offset " + fileOffset + " "
                + ByteBufUtil.hexDump(frame, offset, length));
    }

    private static void requireEnd(int at, int end) {
        if (at != end) {
            throw new AssertionError("the list ends at " + at + ", the frame at " + end);
        }
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
