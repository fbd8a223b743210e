package dev.cairn.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.util.Environment;

/** {@code bin/kvctl} itself, in a directory that is laid out as a distribution, against a node that runs. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "bin/kvctl is a script for a POSIX shell")
class KvctlScriptTest {
    private Path home;
    private OneNode node;
    private String server;

    private record Run(int exitCode, List<String> lines) {}

    @BeforeAll
    void startNode(@TempDir Path dir) throws IOException {
        home = dir.resolve("cairn");
        layOut();
        node = new OneNode("script", dir.resolve("data"));
        server = node.address();
    }

    @AfterAll
    void stopNode() {
        node.close();
    }

    @Test
    @Tag("W08")
    void aSnapshotIsSavedAndRestored(@TempDir Path dir) throws Exception {
        Path file = dir.resolve("backup");
        Run saved = sh("exec bin/kvctl snapshot save '" + file + "'");
        assertThat(saved.exitCode()).as("%s", saved).isZero();
        Run restored = sh("exec bin/kvctl --cluster-id other snapshot restore '" + file + "' --node-id 1 --data-dir '"
                + dir.resolve("restored") + "'");
        assertThat(restored.exitCode()).as("%s", restored).isZero();
        assertThat(restored.lines()).singleElement().asString().contains("restored node 1 of cluster other");
    }

    @Test
    void closedDescriptorsAreNotTakenForFilesOfTheJvm() throws Exception {
        Run run = sh("bin/kvctl put closed - <&- && bin/kvctl get closed >&- && bin/kvctl get closed 2>&-");
        assertThat(run.exitCode()).as("%s", run).isZero();
        assertThat(run.lines()).hasSize(2).last().isEqualTo("");
        Run shell = sh("exec bin/kvctl <&-");
        assertThat(shell.exitCode()).as("%s", shell).isZero();
        assertThat(shell.lines()).isEmpty();
    }

    @Test
    void keysAreUtf8WhateverTheLocaleSays() throws Exception {
        Run run = sh("export LC_ALL=POSIX; bin/kvctl put l/ü 1 && bin/kvctl put l/ö 2 && bin/kvctl get l/ü"
                + " && bin/kvctl -o json list l/");
        assertThat(run.exitCode()).as("%s", run).isZero();
        assertThat(run.lines().get(2)).isEqualTo("1");
        assertThat(run.lines().get(3)).contains("\"key\":\"l/ö\"");
        assertThat(run.lines().get(4)).contains("\"key\":\"l/ü\"");
    }

    @Test
    void argumentsThatAreNoUtf8AreRefused() throws Exception {
        Run run = sh("bin/kvctl put \"$(printf '\\377')\" a");
        assertThat(run.exitCode()).as("%s", run).isEqualTo(Kvctl.EXIT_USAGE);
        assertThat(run.lines()).hasSize(2).first().asString().contains("is no UTF-8", "key_base64");
    }

    @Test
    void aFullOutputIsAnErrorAndAClosedPipeIsNone() throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/full")), "this system has no /dev/full");
        Run full = sh("bin/kvctl put full 1 >/dev/full");
        assertThat(full.exitCode()).as("%s", full).isEqualTo(Kvctl.EXIT_REFUSED);
        assertThat(full.lines()).hasSize(2).first().asString().contains("standard output could not be written");
        Run pipe = sh("{ bin/kvctl get full; echo $? >&2; } | true");
        assertThat(pipe.lines()).containsExactly("0");
    }

    /** The script, the JVM's flags, every class of this test's class path; RocksDB stands apart, as in a distribution. */
    private void layOut() throws IOException {
        Path bin = Files.createDirectories(home.resolve("bin"));
        for (String script : List.of("cairn", "kvctl")) {
            Files.copy(Path.of("..", "bin", script), bin.resolve(script));
            assertThat(bin.resolve(script).toFile().setExecutable(true)).isTrue();
        }
        Path rocksdb = Files.createDirectories(home.resolve("lib/rocksdbjni"));
        String flags = ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .collect(Collectors.joining(" "));
        Files.writeString(home.resolve("lib/jvm-flags"), "# as this JVM's\n" + flags + "\n\n");
        List<String> others = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)) {
            if (entry.contains("rocksdbjni")) {
                unpack(entry, rocksdb);
            } else {
                others.add(Path.of(entry).toUri().toString());
            }
        }
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, String.join(" ", others));
        try (OutputStream out = Files.newOutputStream(home.resolve("lib/all.jar"))) {
            new JarOutputStream(out, manifest).close();
        }
    }

    private static void unpack(String jar, Path to) throws IOException {
        String library = Environment.getJniLibraryFileName("rocksdb");
        try (JarFile from = new JarFile(jar)) {
            for (Enumeration<JarEntry> entries = from.entries(); entries.hasMoreElements(); ) {
                JarEntry entry = entries.nextElement();
                if (entry.getName().endsWith(".class") || entry.getName().equals(library)) {
                    Path file = to.resolve(entry.getName());
                    Files.createDirectories(file.getParent());
                    try (InputStream in = from.getInputStream(entry)) {
                        Files.copy(in, file);
                    }
                }
            }
        }
    }

    private Run sh(String command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", command)
                .directory(home.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
        builder.environment().put("CAIRN_SERVERS", server);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("LC_ALL", "C.UTF-8");
        Process process = builder.start();
        String output;
        try (InputStream in = process.getInputStream()) {
            output = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        return new Run(process.waitFor(), output.lines().toList());
    }
}
