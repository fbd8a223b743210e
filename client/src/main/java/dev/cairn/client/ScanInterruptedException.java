package dev.cairn.client;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A scan cannot go on: its server is gone, or has forgotten the cursor because nobody asked for over 30 seconds. What was
 * delivered is right; {@link Scan#after} with {@link #token} goes on behind it, at a later moment of the data.
 */
public final class ScanInterruptedException extends CairnException {
    private static final long serialVersionUID = 1L;

    private final @Nullable String token;

    ScanInterruptedException(String message, @Nullable String token) {
        super(message);
        this.token = token;
    }

    /** For {@link Scan#after}; empty when nothing was delivered: begin anew. */
    public Optional<String> token() {
        return Optional.ofNullable(token);
    }

    /** True: it is a read. */
    @Override
    public boolean retrySafe() {
        return true;
    }
}
