package dev.cairn.protocol;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Writes and checks frame headers in a {@link ByteBuf}, for the client and the peer protocol. Allocates nothing. One
 * instance per thread: it holds the running checksum.
 *
 * <pre>{@code
 * int start = codec.begin(out, type, version, requestId, blockLength);
 * // write the block and the variable part
 * codec.end(out, start);
 * }</pre>
 */
public final class FrameCodec {
    private final CRC32C crc = new CRC32C();

    /**
     * Writes a header at the writer index; length and checksum are still 0.
     *
     * @return where the frame starts in {@code out}, for {@link #end}
     */
    public int begin(ByteBuf out, int type, int version, long requestId, int blockLength) {
        int start = out.writerIndex();
        out.ensureWritable(FrameHeader.HEADER_LENGTH + blockLength);
        out.writeLongLE(0);
        out.writeIntLE(type | version << 16);
        out.writeIntLE(0);
        out.writeLongLE(requestId);
        out.writeLongLE(blockLength);
        return start;
    }

    /** Completes the frame that began at {@code start} and ends at the writer index. */
    public void end(ByteBuf out, int start) {
        int length = out.writerIndex() - start;
        if (length > Limits.MAX_FRAME_BYTES) {
            throw new IllegalStateException("frame of " + length + " bytes, limit " + Limits.MAX_FRAME_BYTES);
        }
        out.setIntLE(start + FrameHeader.LENGTH_OFFSET, length);
        out.setIntLE(start + FrameHeader.CRC_OFFSET, checksum(out, start, length));
    }

    /**
     * Checks a stated frame length before anything else is believed.
     *
     * @return OK, FRAME_TOO_LARGE, or FRAME_CORRUPT for a length below that of a header
     */
    public static Status checkLength(int length, int maxFrameBytes) {
        if (length < FrameHeader.HEADER_LENGTH) {
            // A negative length is one above 2 GiB, as an HTTP request or a TLS greeting may look.
            return length < 0 ? Status.FRAME_TOO_LARGE : Status.FRAME_CORRUPT;
        }
        return length > maxFrameBytes ? Status.FRAME_TOO_LARGE : Status.OK;
    }

    /**
     * Checks a whole frame of a legal length: checksum, then the header's own fields. Message type, version and content are
     * the reader's to check.
     *
     * @return OK, FRAME_CORRUPT (checksum), or BAD_REQUEST (flags, group or block length that version 1 does not allow)
     */
    public Status validate(ByteBuf in, int offset, int length) {
        if (in.getIntLE(offset + FrameHeader.CRC_OFFSET) != checksum(in, offset, length)) {
            return Status.FRAME_CORRUPT;
        }
        int flags = in.getByte(offset + FrameHeader.FLAGS_OFFSET);
        int group = in.getIntLE(offset + FrameHeader.GROUP_OFFSET);
        int blockLength = in.getUnsignedShortLE(offset + FrameHeader.BLOCK_LENGTH_OFFSET);
        boolean sound = (flags & ~FrameHeader.KNOWN_FLAGS) == 0
                && group == 0
                && FrameHeader.HEADER_LENGTH + blockLength <= length;
        return sound ? Status.OK : Status.BAD_REQUEST;
    }

    private int checksum(ByteBuf buffer, int frameOffset, int frameLength) {
        crc.reset();
        int offset = frameOffset + FrameHeader.CRC_START;
        int length = frameLength - FrameHeader.CRC_START;
        if (buffer.hasArray()) {
            crc.update(buffer.array(), buffer.arrayOffset() + offset, length);
        } else if (buffer.nioBufferCount() == 1) {
            crc.update(buffer.internalNioBuffer(offset, length));
        } else {
            for (ByteBuffer part : buffer.nioBuffers(offset, length)) {
                crc.update(part);
            }
        }
        return (int) crc.getValue();
    }
}
