package dev.cairn.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * What a checkpoint is: text of one fact per line, so that people can read it, with a checksum as the last.
 *
 * <pre>
 *   cairn-checkpoint 1                  format version
 *   cluster.id=orders
 *   group=0
 *   checkpoint.id=1f2e3d4c5b6a7988      16 hex digits, random: identity of exactly these files
 *   index=123456
 *   term=7
 *   log.time.ms=1800000000000
 *   digest=00c0ffee00c0ffee             16 hex digits
 *   membership=                         stored membership entry in hex digits, often none
 *   files=2
 *   4711 0a1b2c3d 000012.sst            bytes, CRC32C in hex, name
 *   16 99aabbcc CURRENT
 *   crc32c=deadbeef                     of all bytes above
 * </pre>
 *
 * @param checkpointId never 0
 * @param applied what the database in the files holds
 */
public record CheckpointManifest(
        String clusterId, long checkpointId, AppliedState applied, String membership, List<Entry> files) {
    /** Format version that this program writes, and the only one that it reads. */
    public static final int FORMAT_VERSION = 1;

    /** Longest manifest that is read, bytes: it must fit into one frame. */
    public static final int MAX_BYTES = 1536 * 1024;

    private static final String MAGIC = "cairn-checkpoint ";
    private static final String CHECKSUM = "crc32c=";
    /** Eight digits and a line end. */
    private static final int CHECKSUM_LINE_END = 9;

    private static final Pattern FILE =
            Pattern.compile("([0-9]{1,18}) ([0-9a-f]{8}) ([A-Za-z0-9][A-Za-z0-9._-]{0,63})");
    private static final HexFormat HEX = HexFormat.of();

    /**
     * One file of the database.
     *
     * @param name without any directory
     * @param crc CRC32C of its content
     */
    public record Entry(String name, long length, int crc) {}

    public CheckpointManifest {
        files = List.copyOf(files);
    }

    /** Bytes of all files. */
    public long totalBytes() {
        return files.stream().mapToLong(Entry::length).sum();
    }

    /** The text, as it is stored and sent. */
    public byte[] encode() {
        StringBuilder text = new StringBuilder(256 + 64 * files.size());
        text.append(MAGIC).append(FORMAT_VERSION).append('\n');
        line(text, "cluster.id", clusterId);
        line(text, "group", "0");
        line(text, "checkpoint.id", HEX.toHexDigits(checkpointId));
        line(text, "index", Long.toString(applied.index()));
        line(text, "term", Long.toString(applied.term()));
        line(text, "log.time.ms", Long.toString(applied.logTimeMs()));
        line(text, "digest", HEX.toHexDigits(applied.digest()));
        line(text, "membership", membership);
        line(text, "files", Integer.toString(files.size()));
        for (Entry file : files) {
            text.append(file.length())
                    .append(' ')
                    .append(HEX.toHexDigits(file.crc()))
                    .append(' ')
                    .append(file.name())
                    .append('\n');
        }
        int crc = checksum(text.toString().getBytes(UTF_8));
        text.append(CHECKSUM).append(HEX.toHexDigits(crc)).append('\n');
        return text.toString().getBytes(UTF_8);
    }

    private static void line(StringBuilder text, String key, String value) {
        text.append(key).append('=').append(value).append('\n');
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /**
     * Reads a manifest, believing nothing of it before its checksum is right.
     *
     * @param source where it came from, for messages
     * @throws CheckpointException when it is of another format, altered or cut
     */
    public static CheckpointManifest decode(byte[] bytes, String source) {
        String text = new String(bytes, UTF_8);
        if (!text.startsWith(MAGIC)) {
            throw new CheckpointException(source + " is no checkpoint of Cairn");
        }
        String version = text.substring(MAGIC.length(), Math.max(MAGIC.length(), text.indexOf('\n')));
        if (!version.equals(Integer.toString(FORMAT_VERSION))) {
            throw new CheckpointException(source + " has checkpoint format version " + version
                    + ", this program reads version " + FORMAT_VERSION);
        }
        int end = text.lastIndexOf(CHECKSUM);
        String stated = end < 0 ? "" : text.substring(end + CHECKSUM.length());
        // A wrong length of the manifest ends it before or behind its checksum.
        if (stated.length() != CHECKSUM_LINE_END) {
            throw new CheckpointException(source + " is cut or altered: its manifest of " + bytes.length
                    + " bytes does not end with '" + CHECKSUM + "' and 8 digits");
        }
        String found = HEX.toHexDigits(checksum(text.substring(0, end).getBytes(UTF_8))) + "\n";
        if (!stated.equals(found)) {
            throw new CheckpointException(source + " is cut or altered: checksum of the manifest " + found.strip()
                    + ", stated is " + stated.strip());
        }
        try {
            return new Lines(text.substring(0, end), source).read();
        } catch (NumberFormatException e) {
            throw new CheckpointException(source + " holds a number that is none: " + e.getMessage(), e);
        }
    }

    /** The lines of a manifest whose checksum is right, in order. */
    private static final class Lines {
        private final List<String> lines;
        private final String source;
        private int next = 1;

        Lines(String text, String source) {
            this.lines = text.lines().toList();
            this.source = source;
        }

        CheckpointManifest read() {
            String clusterId = value("cluster.id");
            value("group");
            long checkpointId = HexFormat.fromHexDigitsToLong(value("checkpoint.id"));
            long index = Long.parseLong(value("index"));
            long term = Long.parseLong(value("term"));
            long logTimeMs = Long.parseLong(value("log.time.ms"));
            long digest = HexFormat.fromHexDigitsToLong(value("digest"));
            String membership = value("membership");
            int count = Integer.parseInt(value("files"));
            List<Entry> files = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                Matcher file = FILE.matcher(line());
                if (!file.matches()) {
                    throw new CheckpointException(source + " line " + next + " names no file");
                }
                files.add(new Entry(
                        file.group(3), Long.parseLong(file.group(1)), HexFormat.fromHexDigits(file.group(2))));
            }
            if (next != lines.size() || checkpointId == 0 || index <= 0 || term <= 0) {
                throw new CheckpointException(source + " contradicts its format");
            }
            return new CheckpointManifest(
                    clusterId, checkpointId, new AppliedState(index, term, logTimeMs, digest), membership, files);
        }

        private String value(String key) {
            String line = line();
            if (!line.startsWith(key + "=")) {
                throw new CheckpointException(source + " line " + next + " is not " + key);
            }
            return line.substring(key.length() + 1);
        }

        private String line() {
            if (next >= lines.size()) {
                throw new CheckpointException(source + " ends before line " + (next + 1));
            }
            return lines.get(next++);
        }
    }
}
