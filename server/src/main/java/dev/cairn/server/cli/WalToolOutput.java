package dev.cairn.server.cli;

import dev.cairn.wal.ActivationDescriptor;
import dev.cairn.wal.EntryDescriptor;
import dev.cairn.wal.LogPosition;
import dev.cairn.wal.SegmentItem;
import dev.cairn.wal.SegmentItem.Activated;
import dev.cairn.wal.SegmentItem.End;
import dev.cairn.wal.SegmentItem.Header;
import dev.cairn.wal.SegmentItem.Stored;
import dev.cairn.wal.SegmentItem.Unreadable;
import java.util.HexFormat;
import java.util.Locale;

/** The lines of {@code cairn wal dump}. Ids, salts and checksums are hex digits, positions {@code segment:offset}. */
final class WalToolOutput {
    private static final HexFormat HEX = HexFormat.of();

    private WalToolOutput() {}

    static String text(SegmentItem item) {
        return line(item, new Fields(false));
    }

    static String json(SegmentItem item) {
        return line(item, new Fields(true));
    }

    private static String line(SegmentItem item, Fields fields) {
        if (item instanceof Header header) {
            return header(header, fields);
        } else if (item instanceof Activated activated) {
            return activated(activated, fields);
        } else if (item instanceof Stored stored) {
            return stored(stored, fields);
        } else if (item instanceof Unreadable unreadable) {
            return fields.begin("unreadable", unreadable)
                    .number("end", unreadable.end())
                    .word("found", unreadable.found())
                    .end();
        } else if (item instanceof End end) {
            return fields.begin("end", end).end();
        }
        throw new IllegalStateException("unknown piece " + item);
    }

    private static String header(Header header, Fields fields) {
        return fields.begin("header", header)
                .word("crc", header.valid() ? "ok" : "bad")
                .number("bytes", header.fileBytes())
                .number("version", header.version())
                .number("group", header.group())
                .word("cluster", HEX.toHexDigits(header.clusterIdHash()))
                .number("node", header.nodeId())
                .word("storage", HEX.toHexDigits(header.storageId()))
                .word("salt", HEX.toHexDigits(header.salt()))
                .end();
    }

    private static String activated(Activated activated, Fields fields) {
        fields.begin("activation", activated)
                .word("crc", activated.state().name().toLowerCase(Locale.ROOT));
        if (activated.state() == Activated.State.MISSING) {
            return fields.end();
        }
        return fields.word("kind", kind(activated.kind()))
                .number("segment", activated.segment())
                .number("previous", activated.previousSegment())
                .number("previousEnd", activated.previousEnd())
                .number("previousIndex", activated.previousIndex())
                .number("previousTerm", activated.previousTerm())
                .word("durable", LogPosition.toString(activated.durablePosition()))
                .word("seed", HEX.toHexDigits(activated.seed()))
                .number("replacedFrom", activated.replacedFrom())
                .end();
    }

    private static String kind(int kind) {
        return switch (kind) {
            case ActivationDescriptor.KIND_START -> "start";
            case ActivationDescriptor.KIND_CONTINUE -> "continue";
            case ActivationDescriptor.KIND_RESET -> "reset";
            default -> Integer.toString(kind);
        };
    }

    private static String stored(Stored stored, Fields fields) {
        fields.begin("record", stored)
                .word("crc", verdict(stored))
                .number("segment", stored.segment())
                .number("index", stored.index())
                .number("term", stored.term())
                .word("type", stored.empty() ? "empty" : type(stored.type()))
                .number("time", stored.logTimeMs())
                .number("size", stored.bytes())
                .number("payload", stored.payloadBytes())
                .word("durable", LogPosition.toString(stored.durablePosition()));
        if (stored.supersedes()) {
            fields.word("supersedes", "yes");
        }
        if (stored.empty()) {
            fields.number("commitHint", stored.commitHint());
        }
        return fields.end();
    }

    private static String verdict(Stored stored) {
        return switch (stored.verdict()) {
            case OK -> "ok";
            case BAD_BODY -> "bad-body";
            case NOT_IN_CHAIN -> "not-in-chain";
        };
    }

    private static String type(int type) {
        return switch (type) {
            case EntryDescriptor.TYPE_NOOP -> "noop";
            case EntryDescriptor.TYPE_COMMAND -> "command";
            case EntryDescriptor.TYPE_CONFIG -> "config";
            case EntryDescriptor.TYPE_CLOCK -> "clock";
            default -> Integer.toString(type);
        };
    }

    /** {@code record file=... offset=... name=value} or the same as a JSON object. */
    private static final class Fields {
        private final boolean json;
        private final StringBuilder line = new StringBuilder(256);

        Fields(boolean json) {
            this.json = json;
        }

        Fields begin(String what, SegmentItem item) {
            line.append(json ? "{\"what\":\"" + what + "\"" : what);
            return word("file", item.file()).number("offset", item.offset());
        }

        Fields number(String name, long value) {
            return field(name, Long.toString(value));
        }

        Fields word(String name, String value) {
            return field(name, json || value.indexOf(' ') >= 0 ? KvctlOutput.quote(value) : value);
        }

        private Fields field(String name, String value) {
            line.append(json ? ",\"" : " ")
                    .append(name)
                    .append(json ? "\":" : "=")
                    .append(value);
            return this;
        }

        String end() {
            return json ? line.append('}').toString() : line.toString();
        }
    }
}
