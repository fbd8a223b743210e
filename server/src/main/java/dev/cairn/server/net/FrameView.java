package dev.cairn.server.net;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** A range of a {@link ByteBuf} seen as an Agrona buffer, without copy; valid as long as the range is. */
public final class FrameView {
    private final UnsafeBuffer view = new UnsafeBuffer(0, 0);

    /** Sees {@code length} bytes of {@code buffer} from {@code offset}; always the same object, until the next call. */
    public MutableDirectBuffer wrap(final ByteBuf buffer, final int offset, final int length) {
        if (buffer.hasArray()) {
            view.wrap(buffer.array(), buffer.arrayOffset() + offset, length);
        } else {
            final ByteBuffer nio = buffer.internalNioBuffer(offset, length);
            view.wrap(nio, nio.position(), length);
        }
        return view;
    }
}
