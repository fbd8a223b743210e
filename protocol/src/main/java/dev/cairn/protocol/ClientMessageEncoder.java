package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;

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
        command(out, requestId, 0, 0, 0, CommandDescriptor.KIND_OPEN_SESSION, NOTHING, NOTHING);
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

    /** Any command; lengths are not judged here, the server does. */
    public void command(
            ByteBuf out,
            long requestId,
            long sessionId,
            long sequence,
            long lowestOpenSequence,
            int kind,
            byte[] key,
            byte[] value) {
        int commandLength = CommandDescriptor.BLOCK_LENGTH + key.length + value.length;
        out.ensureWritable(FrameHeader.HEADER_LENGTH + commandLength);
        int start = begin(out, MessageType.COMMAND, requestId, 0);
        out.writeLongLE(sessionId);
        out.writeLongLE(sequence);
        out.writeLongLE(lowestOpenSequence);
        out.writeIntLE(kind | CommandDescriptor.BLOCK_LENGTH << 16);
        out.writeIntLE(key.length);
        out.writeLongLE(value.length);
        out.writeBytes(key);
        out.writeBytes(value);
        end(out, start);
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
