package dev.cairn.server.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Lines of a stream, bounded, in UTF-8 without replacement characters: what is no text is refused. */
final class Utf8Lines {
    private final InputStream in;
    private final int maxBytes;

    /** No line may have more bytes. */
    Utf8Lines(InputStream in, int maxBytes) {
        this.in = new BufferedInputStream(in);
        this.maxBytes = maxBytes;
    }

    /**
     * Without its end; null = the stream has ended.
     *
     * @throws IllegalArgumentException when the line is too long or no UTF-8; the rest of a line that is too long is not read
     */
    @Nullable
    String next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int read = in.read();
        if (read < 0) {
            return null;
        }
        for (; read >= 0 && read != '\n'; read = in.read()) {
            if (line.size() == maxBytes) {
                throw new IllegalArgumentException("longer than " + maxBytes + " bytes");
            }
            line.write(read);
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(line.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(
                    "no UTF-8 text; JSON lines of mput write such bytes as key_base64 and value_base64", e);
        }
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
