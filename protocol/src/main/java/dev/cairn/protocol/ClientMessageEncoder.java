package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Encodes the messages of the client protocol straight into a given {@link ByteBuf}, at its writer index; several frames
 * may follow each other in one buffer. Allocates nothing (the rare messages with text aside). One instance per thread.
 *
 * <p>The {@code begin...} methods write header and block; the caller appends exactly the stated variable bytes and calls
 * {@link #end}.
 */
public final class ClientMessageEncoder {
    private static final byte[] NOTHING = new byte[0];

    private final FrameCodec frames = new FrameCodec();

    /** First frame of a connection. */
    public void hello(ByteBuf out, long requestId, int minVersion, int maxVersion, long clusterIdHash, long clientId) {
        int start = begin(out, MessageType.HELLO, requestId, HelloDescriptor.BLOCK_LENGTH);
        out.writeIntLE(HelloDescriptor.MAGIC);
        out.writeShortLE(minVersion);
        out.writeShortLE(maxVersion);
        out.writeLongLE(clusterIdHash);
        out.writeLongLE(clientId);
        end(out, start);
    }

    /** Answer to {@link #hello}. */
    public void helloReply(ByteBuf out, long requestId, Status status, int version, int nodeId, long clusterIdHash) {
        int start = begin(out, MessageType.HELLO_REPLY, requestId, HelloReplyDescriptor.BLOCK_LENGTH);
        out.writeShortLE(status.code());
        out.writeShortLE(version);
        out.writeIntLE(nodeId);
        out.writeLongLE(clusterIdHash);
        end(out, start);
    }

    /** Asks for a new session. */
    public void openSession(ByteBuf out, long requestId) {
        openSession(out, requestId, NOTHING);
    }

    /** Asks for the session of this name (UTF-8, at most {@link Limits#MAX_SESSION_NAME_BYTES}), opened if it is not there. */
    public void openSession(ByteBuf out, long requestId, byte[] name) {
        command(out, requestId, 0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, name, NOTHING);
    }

    /** Ends a session. */
    public void closeSession(ByteBuf out, long requestId, long sessionId, long sequence, long lowestOpenSequence) {
        int kind = CommandDescriptor.KIND_CLOSE_SESSION;
        command(out, requestId, sessionId, sequence, lowestOpenSequence, kind, NOTHING, NOTHING);
    }

    /** Writes a key. */
    public void put(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            byte[] key,
            byte[] value) {
        command(out, requestId, sessionId, sequence, lowestOpenSequence, CommandDescriptor.KIND_PUT, key, value);
    }

    /** Removes a key. */
    public void delete(
            ByteBuf out, long requestId, long sessionId, long sequence, long lowestOpenSequence, byte[] key) {
        command(out, requestId, sessionId, sequence, lowestOpenSequence, CommandDescriptor.KIND_DELETE, key, NOTHING);
    }

    /** Adds {@code delta} to a counter. */
    public void add(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            byte[] key,
            long delta) {
        int kind = CommandDescriptor.KIND_ADD;
        int start = beginCommand(
                out, requestId, sessionId, sequence, lowestOpenSequence, kind, 0, key.length, 0, 0, Long.BYTES);
        out.writeBytes(key);
        out.writeLongLE(delta);
        end(out, start);
    }

    /** Removes all keys from {@code from} (inclusive, may be empty) to {@code to} (exclusive, empty = to the end). */
    public void deleteRange(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            byte[] from,
            byte[] to) {
        command(out, requestId, sessionId, sequence, lowestOpenSequence, CommandDescriptor.KIND_DELETE_RANGE, from, to);
    }

    /** Asks whether {@code sequence} was executed, and cancels it if it was not. */
    public void resolve(ByteBuf out, long requestId, long sessionId, long sequence, long lowestOpenSequence) {
        int kind = CommandDescriptor.KIND_RESOLVE;
        command(out, requestId, sessionId, sequence, lowestOpenSequence, kind, NOTHING, NOTHING);
    }

    /**
     * Header and block of a PUT_BATCH; {@link #batchItem} follows for each item, {@code itemBytes} in all, then {@link #end}.
     */
    public int beginBatch(
            ByteBuf out, long requestId, long sessionId, long sequence, long lowestOpenSequence, int itemBytes) {
        int kind = CommandDescriptor.KIND_PUT_BATCH;
        return beginCommand(out, requestId, sessionId, sequence, lowestOpenSequence, kind, 0, 0, 0, 0, itemBytes);
    }

    /** One item of a batch; without value it removes the key. */
    public void batchItem(ByteBuf out, byte[] key, byte @Nullable [] value) {
        out.writeIntLE(key.length);
        out.writeIntLE(value == null ? BatchItemDescriptor.DELETE : value.length);
        out.writeBytes(key);
        if (value != null) {
            out.writeBytes(value);
        }
    }

    /** Any command without flags; lengths are not judged here, the server does. */
    public void command(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            int kind,
            byte[] key,
            byte[] value) {
        command(out, requestId, sessionId, sequence, lowestOpenSequence, kind, 0, 0, key, NOTHING, value);
    }

    /**
     * Any command; lengths and flags are not judged here, the server does.
     *
     * @param flags {@code CommandDescriptor.FLAG_...}
     * @param expectedRevision written only with FLAG_IF_REVISION
     * @param expectedValue empty without FLAG_IF_VALUE
     */
    public void command(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            int kind,
            int flags,
            long expectedRevision,
            byte[] key,
            byte[] expectedValue,
            byte[] value) {
        int start = beginCommand(
                out,
                requestId,
                sessionId,
                sequence,
                lowestOpenSequence,
                kind,
                flags,
                key.length,
                expectedValue.length,
                expectedRevision,
                value.length);
        out.writeBytes(key);
        out.writeBytes(expectedValue);
        out.writeBytes(value);
        end(out, start);
    }

    private int beginCommand(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            int kind,
            int flags,
            int keyLength,
            int expectedLength,
            long expectedRevision,
            int valueLength) {
        boolean withRevision = (flags & CommandDescriptor.FLAG_IF_REVISION) != 0;
        int block = withRevision ? CommandDescriptor.BLOCK_LENGTH_IF_REVISION : CommandDescriptor.BLOCK_LENGTH;
        out.ensureWritable(FrameHeader.HEADER_LENGTH + block + keyLength + expectedLength + valueLength);
        int start = begin(out, MessageType.COMMAND, requestId, 0);
        out.writeLongLE(sessionId);
        out.writeLongLE(sequence);
        out.writeLongLE(lowestOpenSequence);
        out.writeIntLE(kind | flags << 8 | block << 16);
        out.writeIntLE(keyLength);
        out.writeIntLE(valueLength);
        out.writeIntLE(expectedLength);
        if (withRevision) {
            out.writeLongLE(expectedRevision);
        }
        return start;
    }

    /** Header and block of a command's result; {@code resultLength} bytes must follow. */
    public int beginCommandReply(ByteBuf out, long requestId, Status status, long revision, int resultLength) {
        int start = begin(out, MessageType.COMMAND_REPLY, requestId, CommandReplyDescriptor.BLOCK_LENGTH);
        out.writeIntLE(status.code());
        out.writeIntLE(resultLength);
        out.writeLongLE(revision);
        return start;
    }

    /** A command's result without bytes. */
    public void commandReply(ByteBuf out, long requestId, Status status, long revision) {
        end(out, beginCommandReply(out, requestId, status, revision, 0));
    }

    /** Reads a key; {@code readMode} is one of {@code GetDescriptor.READ_...}. */
    public void get(ByteBuf out, long requestId, int readMode, long minRevision, byte[] key) {
        int start = begin(out, MessageType.GET, requestId, GetDescriptor.BLOCK_LENGTH);
        out.writeIntLE(readMode);
        out.writeIntLE(key.length);
        out.writeLongLE(minRevision);
        out.writeBytes(key);
        end(out, start);
    }

    /** Header and block of a read's result; {@code valueLength} bytes must follow. */
    public int beginGetReply(
            ByteBuf out,
            long requestId,
            Status status,
            long createRevision,
            long modRevision,
            long version,
            int valueLength) {
        int start = begin(out, MessageType.GET_REPLY, requestId, GetReplyDescriptor.BLOCK_LENGTH);
        out.ensureWritable(GetReplyDescriptor.BLOCK_LENGTH + valueLength);
        out.writeIntLE(status.code());
        out.writeIntLE(valueLength);
        out.writeLongLE(createRevision);
        out.writeLongLE(modRevision);
        out.writeLongLE(version);
        return start;
    }

    /** A read's result when the key does not exist. */
    public void getReplyNotFound(ByteBuf out, long requestId) {
        end(out, beginGetReply(out, requestId, Status.NOT_FOUND, 0, 0, 0, 0));
    }

    /**
     * A refusal, or with request id 0 word about the whole connection.
     *
     * @param leaderId node id, 0 = unknown
     * @param leaderAddress client address of the leader, at most {@link Limits#MAX_ADDRESS_BYTES}; empty = unknown
     * @param text for people, one line that says what to do; cut to {@link Limits#MAX_TEXT_BYTES}
     */
    public void errorReply(
            ByteBuf out, long requestId, Status status, int leaderId, CharSequence leaderAddress, CharSequence text) {
        int start = begin(out, MessageType.ERROR_REPLY, requestId, ErrorReplyDescriptor.BLOCK_LENGTH);
        int block = out.writerIndex();
        out.writeIntLE(status.code());
        out.writeIntLE(leaderId);
        out.writeLongLE(0);
        int addressLength = writeAddress(out, leaderAddress);
        // No char needs more than three bytes of UTF-8.
        int chars = Math.min(text.length(), Limits.MAX_TEXT_BYTES / 3);
        int textLength = ByteBufUtil.writeUtf8(out, text, 0, chars);
        out.setIntLE(block + ErrorReplyDescriptor.ADDRESS_LENGTH_OFFSET, addressLength);
        out.setIntLE(block + ErrorReplyDescriptor.TEXT_LENGTH_OFFSET, textLength);
        end(out, start);
    }

    /** Asks a node about itself. */
    public void status(ByteBuf out, long requestId) {
        end(out, begin(out, MessageType.STATUS, requestId, 0));
    }

    /** Answer to {@link #status}. */
    public void statusReply(ByteBuf out, long requestId, NodeStatus node) {
        int start = begin(out, MessageType.STATUS_REPLY, requestId, StatusReplyDescriptor.BLOCK_LENGTH);
        int block = out.writerIndex();
        out.writeIntLE(node.nodeId());
        out.writeIntLE(node.role() | node.durability() << 8);
        out.writeLongLE(node.term());
        out.writeLongLE(node.commitIndex());
        out.writeLongLE(node.appliedIndex());
        out.writeLongLE(node.lastLogIndex());
        out.writeLongLE(node.durableIndex());
        out.writeLongLE(node.digest());
        out.writeIntLE(node.leaderId());
        out.writeIntLE(0);
        int addressLength = writeAddress(out, node.leaderAddress());
        out.setIntLE(block + StatusReplyDescriptor.LEADER_ADDRESS_LENGTH_OFFSET, addressLength);
        end(out, start);
    }

    /** Reads several keys of one moment; {@code readMode} is one of {@code GetDescriptor.READ_...}. */
    public void multiGet(ByteBuf out, long requestId, int readMode, long minRevision, List<byte[]> keys) {
        int start = begin(out, MessageType.MULTI_GET, requestId, MultiGetDescriptor.BLOCK_LENGTH);
        out.writeIntLE(readMode);
        out.writeIntLE(keys.size());
        out.writeLongLE(minRevision);
        for (int i = 0; i < keys.size(); i++) {
            byte[] key = keys.get(i);
            out.writeIntLE(key.length);
            out.writeBytes(key);
        }
        end(out, start);
    }

    /** Header and block of a multi-get's result; {@link #multiGetEntry} follows for each key asked, then {@link #end}. */
    public int beginMultiGetReply(ByteBuf out, long requestId, Status status, long revision, int entryCount) {
        int start = begin(out, MessageType.MULTI_GET_REPLY, requestId, MultiGetReplyDescriptor.BLOCK_LENGTH);
        out.writeIntLE(status.code());
        out.writeIntLE(entryCount);
        out.writeLongLE(revision);
        return start;
    }

    /** One entry of a multi-get's result; without value: the key does not exist. */
    public void multiGetEntry(
            ByteBuf out, long createRevision, long modRevision, long version, byte @Nullable [] value) {
        out.writeLongLE(createRevision);
        out.writeLongLE(modRevision);
        out.writeLongLE(version);
        out.writeIntLE(value == null ? MultiGetReplyDescriptor.ABSENT : value.length);
        if (value != null) {
            out.writeBytes(value);
        }
    }

    /**
     * Begins a range read.
     *
     * @param readMode one of {@code GetDescriptor.READ_...}
     * @param flags {@code ScanDescriptor.FLAG_...}
     * @param chunkBytes bytes of entries per reply, 0 = the server's default
     * @param limit entries in all, 0 = no limit
     * @param from first key, empty = from the beginning
     * @param to key behind the last one, empty = to the end
     */
    public void scan(
            ByteBuf out,
            long requestId,
            int readMode,
            int flags,
            int chunkBytes,
            long minRevision,
            long limit,
            byte[] from,
            byte[] to) {
        int start = begin(out, MessageType.SCAN, requestId, ScanDescriptor.BLOCK_LENGTH);
        out.writeIntLE(readMode | flags << 8);
        out.writeIntLE(chunkBytes);
        out.writeLongLE(minRevision);
        out.writeLongLE(limit);
        out.writeIntLE(from.length);
        out.writeIntLE(to.length);
        out.writeBytes(from);
        out.writeBytes(to);
        end(out, start);
    }

    /**
     * Asks for a scan's next chunk.
     *
     * @param count as stated by the chunk before: a request that arrives twice then skips nothing
     */
    public void scanNext(ByteBuf out, long requestId, long cursorId, long count) {
        cursor(out, MessageType.SCAN_NEXT, requestId, cursorId, count);
    }

    /** Gives a scan up. */
    public void scanClose(ByteBuf out, long requestId, long cursorId) {
        cursor(out, MessageType.SCAN_CLOSE, requestId, cursorId, 0);
    }

    private void cursor(ByteBuf out, int type, long requestId, long cursorId, long count) {
        int start = begin(out, type, requestId, ScanCursorDescriptor.BLOCK_LENGTH);
        out.writeLongLE(cursorId);
        out.writeLongLE(count);
        end(out, start);
    }

    /**
     * Header and block of a scan's chunk; {@link #scanEntry} follows {@code entryCount} times, then {@link #end}.
     *
     * @param cursorId 0 = finished
     * @param revision applied index of the one moment that all chunks show
     * @param count entries up to here, those of earlier chunks included
     */
    public int beginScanReply(
            ByteBuf out,
            long requestId,
            Status status,
            boolean more,
            int entryCount,
            long cursorId,
            long revision,
            long count) {
        int start = begin(out, MessageType.SCAN_REPLY, requestId, ScanReplyDescriptor.BLOCK_LENGTH);
        out.writeIntLE(status.code() | (more ? ScanReplyDescriptor.FLAG_MORE << 16 : 0));
        out.writeIntLE(entryCount);
        out.writeLongLE(cursorId);
        out.writeLongLE(revision);
        out.writeLongLE(count);
        return start;
    }

    /** One entry of a scan's chunk; the value is empty in a scan of keys only. */
    public void scanEntry(ByteBuf out, byte[] key, byte[] value, long createRevision, long modRevision, long version) {
        out.writeIntLE(key.length);
        out.writeIntLE(value.length);
        out.writeLongLE(createRevision);
        out.writeLongLE(modRevision);
        out.writeLongLE(version);
        out.writeBytes(key);
        out.writeBytes(value);
    }

    /** Waits until the asked node has applied {@code index}, at most {@link Limits#MAX_WAIT_MS}. */
    public void waitApplied(ByteBuf out, long requestId, long index, int timeoutMs) {
        int start = begin(out, MessageType.WAIT_APPLIED, requestId, WaitAppliedDescriptor.BLOCK_LENGTH);
        out.writeLongLE(index);
        out.writeLongLE(timeoutMs);
        end(out, start);
    }

    /** Answer to {@link #waitApplied}. */
    public void waitAppliedReply(ByteBuf out, long requestId, long appliedIndex) {
        int start = begin(out, MessageType.WAIT_APPLIED_REPLY, requestId, WaitAppliedReplyDescriptor.BLOCK_LENGTH);
        out.writeLongLE(appliedIndex);
        end(out, start);
    }

    /** Asks a node for everything about itself. */
    public void nodeDetails(ByteBuf out, long requestId) {
        end(out, begin(out, MessageType.NODE_DETAILS, requestId, 0));
    }

    /** Answer to {@link #nodeDetails}: one JSON object. */
    public void nodeDetailsReply(ByteBuf out, long requestId, CharSequence json) {
        int start = begin(out, MessageType.NODE_DETAILS_REPLY, requestId, 0);
        ByteBufUtil.writeUtf8(out, json);
        end(out, start);
    }

    /**
     * Asks the leader to hand leadership over; it answers as to {@link #status} when another node leads.
     *
     * @param target node id, 0 = the one that is best prepared
     * @param flags {@code TransferLeaderDescriptor.FLAG_...}
     */
    public void transferLeader(ByteBuf out, long requestId, int target, int flags) {
        int start = begin(out, MessageType.TRANSFER_LEADER, requestId, TransferLeaderDescriptor.BLOCK_LENGTH);
        out.writeIntLE(target);
        out.writeIntLE(flags);
        end(out, start);
    }

    /** Asks the leader to change who belongs to the cluster; without changes, who does. */
    public void changeMembership(ByteBuf out, long requestId, List<MemberChange> changes) {
        int start = begin(out, MessageType.CHANGE_MEMBERSHIP, requestId, ChangeMembershipDescriptor.BLOCK_LENGTH);
        out.writeIntLE(changes.size());
        out.writeIntLE(0);
        for (MemberChange change : changes) {
            byte[] address = change.address().getBytes(StandardCharsets.UTF_8);
            out.writeShortLE(change.kind());
            out.writeShortLE(change.nodeId());
            out.writeShortLE(change.replacedId());
            out.writeShortLE(address.length);
            out.writeBytes(address);
        }
        end(out, start);
    }

    /** Answer to {@link #changeMembership}. */
    public void membershipReply(ByteBuf out, long requestId, ClusterMembership membership) {
        int start = begin(out, MessageType.MEMBERSHIP_REPLY, requestId, MembershipReplyDescriptor.BLOCK_LENGTH);
        out.writeLongLE(membership.index());
        out.writeLongLE(membership.commitIndex());
        out.writeLongLE(membership.lastIndex());
        out.writeIntLE(membership.leaderId());
        out.writeShortLE(membership.members().size());
        out.writeShortLE(MembershipReplyDescriptor.MEMBER_LENGTH);
        for (ClusterMembership.Member member : membership.members()) {
            byte[] address = member.address().getBytes(StandardCharsets.UTF_8);
            out.writeShortLE(member.nodeId());
            out.writeShortLE(member.flags());
            out.writeIntLE(member.goal());
            out.writeLongLE(member.matchIndex());
            out.writeShortLE(0);
            out.writeShortLE(address.length);
            out.writeBytes(address);
        }
        end(out, start);
    }

    /** Asks for a checkpoint to read. */
    public void checkpointOpen(ByteBuf out, long requestId) {
        end(out, begin(out, MessageType.CHECKPOINT_OPEN, requestId, 0));
    }

    /** Answer to {@link #checkpointOpen}. */
    public void checkpointOpenReply(
            ByteBuf out, long requestId, long checkpointId, long index, long term, byte[] manifest) {
        int start =
                begin(out, MessageType.CHECKPOINT_OPEN_REPLY, requestId, CheckpointOpenReplyDescriptor.BLOCK_LENGTH);
        out.writeLongLE(checkpointId);
        out.writeLongLE(index);
        out.writeLongLE(term);
        out.writeLongLE(manifest.length);
        out.writeBytes(manifest);
        end(out, start);
    }

    /** Reads a piece of a checkpoint's file, at most {@link Limits#MAX_CHECKPOINT_CHUNK_BYTES}. */
    public void checkpointRead(
            ByteBuf out, long requestId, long checkpointId, int fileNumber, long offset, int maxBytes) {
        int start = begin(out, MessageType.CHECKPOINT_READ, requestId, CheckpointReadDescriptor.BLOCK_LENGTH);
        out.writeLongLE(checkpointId);
        out.writeIntLE(fileNumber);
        out.writeIntLE(maxBytes);
        out.writeLongLE(offset);
        end(out, start);
    }

    /** Header and block of a piece; {@code length} bytes must follow (0 = end of the file), then {@link #end}. */
    public int beginCheckpointReadReply(ByteBuf out, long requestId, Status status, long offset, int length) {
        int start =
                begin(out, MessageType.CHECKPOINT_READ_REPLY, requestId, CheckpointReadReplyDescriptor.BLOCK_LENGTH);
        out.writeIntLE(status.code());
        out.writeIntLE(length);
        out.writeLongLE(offset);
        return start;
    }

    /** Completes a frame of one of the {@code begin...} methods. */
    public void end(ByteBuf out, int start) {
        frames.end(out, start);
    }

    private int begin(ByteBuf out, int type, long requestId, int blockLength) {
        return frames.begin(out, type, FrameHeader.CLIENT_VERSION, requestId, blockLength);
    }

    private static int writeAddress(ByteBuf out, CharSequence address) {
        int length = ByteBufUtil.writeUtf8(out, address);
        if (length > Limits.MAX_ADDRESS_BYTES) {
            throw new IllegalArgumentException(
                    "address of " + length + " bytes, limit " + Limits.MAX_ADDRESS_BYTES + ": " + address);
        }
        return length;
    }
}
