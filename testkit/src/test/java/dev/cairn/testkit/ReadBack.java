package dev.cairn.testkit;

import dev.cairn.client.CairnClient;
import dev.cairn.client.ClientConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** A second process that reads all pairs back: {@code ReadBack SERVERS PATH}; exits 0 when every pair is equal. */
final class ReadBack {
    private ReadBack() {}

    public static void main(final String[] arguments) throws IOException {
        int wrong = 0;
        try (CairnClient client = ClientConfig.builder().servers(arguments[0]).connect()) {
            for (final Map.Entry<byte[], byte[]> pair : RealInput.pairs(Path.of(arguments[1]))) {
                final byte[] found =
                        client.get(pair.getKey()).map(value -> value.value()).orElse(null);
                if (!Arrays.equals(found, pair.getValue())) {
                    wrong++;
                }
            }
        }
        System.out.println("wrong=" + wrong);
        System.exit(wrong == 0 ? 0 : 1);
    }
}
