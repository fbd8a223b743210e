package dev.cairn.bench.results;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/** The version of what was built. */
public final class BenchVersion {
    public static String version() {
        Properties properties = new Properties();
        try (InputStream in = BenchVersion.class.getResourceAsStream("version.properties")) {
            if (in == null) {
                throw new IllegalStateException("version.properties is missing in the jar");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new IllegalStateException("version.properties cannot be read", e);
        }
        return properties.getProperty("version", "unknown");
    }

    private BenchVersion() {}
}
