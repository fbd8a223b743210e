package dev.cairn.server.replica;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.cairn.protocol.FrameHeader;
import org.agrona.MutableDirectBuffer;

/** Writes frame headers into Agrona buffers; the CRC is sealed by the transport. */
public final class FrameWriter {
    private FrameWriter() {}

    /** Writes all of the header but the CRC. */
    public static void putPeerHeader(
            final MutableDirectBuffer buffer, final int length, final int type, final int blockLength) {
        putHeader(buffer, length, type, blockLength, PeerProtocol.VERSION, 0);
    }

    static void putHeader(
            final MutableDirectBuffer buffer,
            final int length,
            final int type,
            final int blockLength,
            final int version,
            final long requestId) {
        buffer.putInt(FrameHeader.LENGTH_OFFSET, length, LITTLE_ENDIAN);
        buffer.putInt(FrameHeader.CRC_OFFSET, 0, LITTLE_ENDIAN);
        buffer.putShort(FrameHeader.TYPE_OFFSET, (short) type, LITTLE_ENDIAN);
        buffer.putByte(FrameHeader.VERSION_OFFSET, (byte) version);
        buffer.putByte(FrameHeader.FLAGS_OFFSET, (byte) 0);
        buffer.putInt(FrameHeader.GROUP_OFFSET, 0, LITTLE_ENDIAN);
        buffer.putLong(FrameHeader.REQUEST_ID_OFFSET, requestId, LITTLE_ENDIAN);
        buffer.putShort(FrameHeader.BLOCK_LENGTH_OFFSET, (short) blockLength, LITTLE_ENDIAN);
        buffer.putShort(FrameHeader.RESERVED_SHORT_OFFSET, (short) 0, LITTLE_ENDIAN);
        buffer.putInt(FrameHeader.RESERVED_INT_OFFSET, 0, LITTLE_ENDIAN);
    }
}
