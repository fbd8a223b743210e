package dev.cairn.server.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.cairn.protocol.Limits;
import dev.cairn.protocol.ScanDescriptor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * One page of a range, or the count of one: reads chunk after chunk of one scan until the page is full. The cursor that it
 * ends with is the last key, so it never expires and holds on every node; each page shows its own moment. Gateway's
 * thread.
 */
final class RangePage {
    static final int DEFAULT_ENTRIES = 1000;
    static final int MAX_ENTRIES = 10_000;

    /** Bytes of keys and values after which a page ends, whatever its limit. */
    static final int MAX_BYTES = 1 << 20;

    private final NodeCalls calls;
    private final Exchange exchange;
    private final int readMode;
    private final long minRevision;
    private final boolean reverse;
    private final boolean keysOnly;
    private final boolean countOnly;
    private final int limit;
    private final Bounds bounds;
    private final List<Reply.Entry> entries = new ArrayList<>();
    private long bytes;

    RangePage(final NodeCalls calls, final Exchange exchange, final int readMode, final long minRevision) {
        this.calls = calls;
        this.exchange = exchange;
        this.readMode = readMode;
        this.minRevision = minRevision;
        final Query query = exchange.query();
        reverse = query.flag("reverse");
        countOnly = query.flag("count_only");
        keysOnly = query.flag("keys_only");
        limit = (int) query.number("limit", 1, MAX_ENTRIES, DEFAULT_ENTRIES);
        bounds = rest(query, Bounds.of(query));
        requireLength(bounds.from());
        requireLength(bounds.to());
    }

    private Bounds rest(final Query query, final Bounds whole) {
        final String cursor = query.text("cursor");
        if (cursor == null) {
            return whole;
        }
        if (countOnly) {
            throw HttpProblem.badRequest("a count has no cursor");
        }
        try {
            return whole.behind(Base64.getUrlDecoder().decode(cursor), reverse);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.badRequest("this cursor is not one that a page of this range ended with");
        }
    }

    private static void requireLength(final byte[] bound) {
        if (bound.length > Limits.MAX_KEY_BYTES) {
            throw new HttpProblem(
                    400,
                    "key_too_large",
                    "a bound has " + bound.length + " bytes; allowed are " + Limits.MAX_KEY_BYTES);
        }
    }

    void start() {
        int flags = reverse ? ScanDescriptor.FLAG_REVERSE : 0;
        flags |= countOnly ? ScanDescriptor.FLAG_COUNT_ONLY : 0;
        flags |= keysOnly ? ScanDescriptor.FLAG_KEYS_ONLY : 0;
        final int scanFlags = flags;
        // One more than asked for: it says whether there is a further page.
        final long scanLimit = countOnly ? 0 : limit + 1L;
        calls.query(
                (encoder, out, requestId) -> encoder.scan(
                        out, requestId, readMode, scanFlags, 0, minRevision, scanLimit, bounds.from(), bounds.to()),
                exchange.guard(this::onReply));
    }

    private void onReply(final Reply reply) {
        if (!(reply instanceof Reply.Scan chunk)) {
            KvRoutes.unexpected(exchange, reply);
            return;
        }
        for (final Reply.Entry entry : chunk.entries()) {
            entries.add(entry);
            bytes += entry.bytes().length + (entry.key() == null ? 0 : entry.key().length);
        }
        final boolean full = !countOnly && (entries.size() > limit || bytes >= MAX_BYTES);
        if (chunk.more() && !full && !exchange.isAbandoned()) {
            calls.query(
                    (encoder, out, requestId) -> encoder.scanNext(out, requestId, chunk.cursorId(), chunk.count()),
                    exchange.guard(this::onReply));
            return;
        }
        if (chunk.more()) {
            calls.query((encoder, out, requestId) -> encoder.scanClose(out, requestId, chunk.cursorId()), closed -> {});
        }
        if (countOnly) {
            answerCount(chunk.revision(), chunk.count());
        } else {
            answer(chunk.revision(), chunk.more());
        }
    }

    private void answerCount(final long revision, final long count) {
        exchange.revision(revision);
        exchange.ok(out -> {
            out.writeNumberField("revision", revision);
            out.writeNumberField("count", count);
        });
    }

    private void answer(final long revision, final boolean cut) {
        final boolean more = cut || entries.size() > limit;
        final List<Reply.Entry> page = entries.subList(0, Math.min(limit, entries.size()));
        exchange.revision(revision);
        exchange.ok(out -> {
            out.writeNumberField("revision", revision);
            out.writeNumberField("count", page.size());
            out.writeArrayFieldStart("entries");
            for (final Reply.Entry entry : page) {
                write(out, entry);
            }
            out.writeEndArray();
            out.writeBooleanField("more", more);
            if (more && !page.isEmpty()) {
                out.writeStringField("cursor", cursorBehind(page.get(page.size() - 1)));
            }
        });
    }

    private void write(final JsonGenerator out, final Reply.Entry entry) throws IOException {
        out.writeStartObject();
        JsonAnswer.bytes(out, "key", keyOf(entry));
        JsonAnswer.entry(out, entry, !keysOnly);
        out.writeEndObject();
    }

    private static String cursorBehind(final Reply.Entry entry) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(keyOf(entry));
    }

    private static byte[] keyOf(final Reply.Entry entry) {
        final byte[] key = entry.key();
        return key == null ? new byte[0] : key;
    }
}
