package dev.cairn.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.covers.Covers;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Version 1 of each message, byte for byte, as it stands in {@code src/test/resources/golden}. A file changes only with a new
 * version; {@code -Dgolden.update=true} writes the files anew.
 */
class GoldenFileTest {
    private static final Path DIRECTORY = Path.of(System.getProperty("basedir", "."), "src/test/resources/golden");

    static Set<String> names() {
        return Messages.ALL.keySet();
    }

    @BeforeAll
    static void updateIfAsked() throws IOException {
        if (Boolean.getBoolean("golden.update")) {
            Files.createDirectories(DIRECTORY);
            for (String name : names()) {
                Files.writeString(file(name), hexLines(Messages.get(name)));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    @Covers("K17")
    void encodedBytesEqualTheGoldenFile(String name) throws IOException {
        assertThat(hexLines(Messages.get(name))).isEqualTo(Files.readString(file(name)));
    }

    @Test
    void thereIsNoGoldenFileWithoutMessage() throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            Set<String> found = files.map(file -> file.getFileName().toString())
                    .map(file -> file.substring(0, file.length() - "-v1.hex".length()))
                    .collect(Collectors.toCollection(TreeSet::new));
            assertThat(found).isEqualTo(new TreeSet<>(names()));
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void goldenBytesDecodeToTheSampleFields(String name) throws IOException {
        String hex = Files.readString(file(name)).replaceAll("\\s", "");
        ByteBuf frame = Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex));
        assertThat(new FrameCodec().validate(frame, 0, frame.readableBytes())).isEqualTo(Status.OK);
        RecordingHandler handler = new RecordingHandler();
        if (name.contains("reply")) {
            ClientReplyDecoder.decode(frame, 0, frame.readableBytes(), handler);
        } else {
            ClientRequestDecoder.decode(frame, 0, frame.readableBytes(), handler);
        }
        assertThat(handler.calls).containsExactly(expected(name));
    }

    private static String expected(String name) {
        return switch (name) {
            case "hello" -> "hello 1 versions 1..2 cluster 1122334455667788 client 99aabbccddeeff00";
            case "hello-reply" -> "helloReply 1 OK version 1 node 3 cluster 1122334455667788";
            case "command-open-session" -> "command 2 session 0 sequence 0 low 0 kind 1 key [] value []";
            case "command-close-session" -> "command 3 session 77 sequence 9 low 8 kind 2 key [] value []";
            case "command-put" ->
                "command 578437695752307201 session 77 sequence 6 low 5 kind 3 key [key-1] value [value \u00e9 1]";
            case "command-delete" -> "command 5 session 77 sequence 7 low 5 kind 4 key [key-1] value []";
            case "command-reply" -> "commandReply 5 NOT_FOUND revision 1234 result 010203";
            case "get" -> "get 6 mode 2 min 1233 key [key-1]";
            case "get-reply" -> "getReply 6 OK create 11 mod 22 version 33 value [value \u00e9 1]";
            case "error-reply" -> "errorReply 7 NOT_LEADER leader 2 [127.0.0.1:7402] [ask the leader]";
            case "status" -> "status 8";
            case "status-reply" -> "statusReply 8 " + Messages.NODE;
            case "command-open-session-named" -> "command 9 session 0 sequence 0 low 0 kind 1 key [name-22] value []";
            case "command-put-if-revision" ->
                "command 10 session 77 sequence 8 low 5 kind 3 key [key-1] value [value \u00e9 1] flags 3"
                        + " if revision 72623859790382856";
            case "command-delete-if-value" ->
                "command 11 session 77 sequence 9 low 5 kind 4 key [key-1] value [] flags 4"
                        + " expected [value \u00e9 1]";
            case "command-add" ->
                "command 12 session 77 sequence 10 low 5 kind 5 key [key-1] value ["
                        + new String(new byte[] {-2, -1, -1, -1, -1, -1, -1, -1}, StandardCharsets.UTF_8)
                        + "]";
            case "command-put-batch" ->
                "command 13 session 77 sequence 11 low 5 kind 6 key [] value"
                        + " [\1\0\0\0\12\0\0\0avalue \u00e9 1\1\0\0\0\ufffd\ufffd\ufffd\ufffdb]";
            case "command-delete-range" -> "command 14 session 77 sequence 12 low 5 kind 7 key [key-1] value [name-22]";
            case "command-resolve" -> "command 15 session 77 sequence 13 low 5 kind 8 key [] value []";
            case "multi-get" -> "multiGet 16 mode 2 min 1233 keys [key-1] [name-22]";
            case "multi-get-reply" -> "multiGetReply 16 OK revision 1234 11/22/33[value \u00e9 1] 0/0/0absent";
            case "scan" -> "scan 17 mode 1 flags 3 chunk 65536 min 1233 limit 99 [key-1]..[name-22]";
            case "scan-reply" ->
                "scanReply 17 OK more cursor 102030405060708 revision 1234 count 5"
                        + " [key-1]11/22/33[value \u00e9 1] [name-22]44/55/66[]";
            case "scan-next" -> "scanNext 18 cursor 102030405060708 count 4711";
            case "scan-close" -> "scanClose 19 cursor 102030405060708";
            case "wait-applied" -> "waitApplied 20 index 1234 ms 5000";
            case "wait-applied-reply" -> "waitAppliedReply 20 applied 1235";
            case "node-details" -> "nodeDetails 21";
            case "node-details-reply" -> "nodeDetailsReply 21 [{\"id\":1}]";
            case "transfer-leader" -> "transferLeader 24 target 3 flags 1";
            case "change-membership" ->
                "changeMembership 25 kind 2 node 4 replaced 0 at [h4:1:2:3] kind 3 node 5 replaced 0 at []"
                        + " kind 4 node 65535 replaced 0 at [] kind 5 node 6 replaced 1 at [[::1]:1:2]";
            case "membership" -> "changeMembership 26";
            case "membership-reply" ->
                "membershipReply 25 index 1234 commit 1233 last 1300 leader 1 node 1 flags 9 goal 0 match 1300 at [h1:1:2]"
                        + " node 2 flags 2 goal 0 match 7 at [] node 300 flags 28 goal 2 match 1299 at [h3:1:2:3]";
            case "checkpoint-open" -> "checkpointOpen 22";
            case "checkpoint-open-reply" -> "checkpointOpenReply 22 checkpoint 7 index 1234 term 5 [value \u00e9 1]";
            case "checkpoint-read" -> "checkpointRead 23 checkpoint 7 file 2 offset 4096 max 65536";
            case "checkpoint-read-reply" -> "checkpointReadReply 23 OK offset 4096 010203";
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static Path file(String name) {
        return DIRECTORY.resolve(name + "-v1.hex");
    }

    private static String hexLines(byte[] bytes) {
        List<String> lines = new ArrayList<>();
        for (int offset = 0; offset < bytes.length; offset += 16) {
            int end = Math.min(bytes.length, offset + 16);
            lines.add(HexFormat.ofDelimiter(" ").formatHex(bytes, offset, end));
        }
        return String.join("\n", lines) + "\n";
    }
}
