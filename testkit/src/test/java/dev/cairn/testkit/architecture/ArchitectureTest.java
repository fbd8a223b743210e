package dev.cairn.testkit.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.cairn.client.planted.ClientWithAgrona;
import dev.cairn.covers.Covers;
import dev.cairn.engine.planted.SecondRocksUser;
import dev.cairn.protocol.planted.BufferDescriptor;
import dev.cairn.raft.planted.ClockReader;
import dev.cairn.raft.planted.ImpureRaft;
import dev.cairn.server.planted.NettyOutsideNet;
import dev.cairn.wal.planted.SecondChronicleUser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each rule holds for the modules, and fails for a class that was planted to break it. */
class ArchitectureTest {
    private static final JavaClasses MODULES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.cairn");

    /** Which other modules each may use; what stands behind them, testkit and bench, Maven holds. Server's own use of the client is a rule of its own. */
    private static final Map<String, List<String>> ARROWS = Map.of(
            "protocol", List.of(),
            "client", List.of("protocol"),
            "wal", List.of(),
            "raft", List.of(),
            "engine", List.of("protocol"),
            "server", List.of("protocol", "wal", "raft", "engine", "client"));

    private static final Map<String, Class<?>> PLANTED = Map.of(
            "protocol", BufferDescriptor.class,
            "client", ClientWithAgrona.class,
            "wal", SecondChronicleUser.class,
            "raft", ImpureRaft.class,
            "engine", SecondRocksUser.class,
            "server", NettyOutsideNet.class);

    private static final Set<String> IMPURE_SYSTEM_CALLS = Set.of(
            "currentTimeMillis",
            "nanoTime",
            "getenv",
            "getProperty",
            "getProperties",
            "setProperty",
            "setProperties",
            "clearProperty",
            "lineSeparator",
            "identityHashCode",
            "gc",
            "load",
            "loadLibrary",
            "getLogger",
            "console",
            "exit");

    private record Rule(ArchRule rule, List<Class<?>> planted) {
        @Override
        public String toString() {
            return rule.getDescription();
        }
    }

    static Stream<Rule> rules() {
        List<Rule> rules = new ArrayList<>();
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideOutsideOfPackages(
                                "dev.cairn.client..",
                                "dev.cairn.protocol..",
                                "dev.cairn.server.net..",
                                "dev.cairn.server.http..",
                                "dev.cairn.testkit")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("io.netty..")
                        .as(
                                "only client, protocol, testkit's proxies and the server's net and http packages use Netty"),
                List.of(NettyOutsideNet.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn.protocol..")
                        .should()
                        .dependOnClassesThat(resideInAPackage("io.netty..")
                                .and(not(resideInAnyPackage("io.netty.buffer..", "io.netty.util.."))))
                        .as("the protocol uses Netty's buffers and nothing else of it"),
                List.of(BufferDescriptor.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn.protocol..")
                        .and()
                        .haveSimpleNameEndingWith("Descriptor")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("io.netty..", "org.agrona..", "java.nio..")
                        .as("descriptors of the protocol know no buffer type"),
                List.of(BufferDescriptor.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .haveNameNotMatching("dev\\.cairn\\.engine\\.RocksStore(\\$.*)?")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("org.rocksdb..")
                        .as("only RocksStore uses RocksDB"),
                List.of(SecondRocksUser.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .haveNameNotMatching("dev\\.cairn\\.wal\\.MappedSegmentFile(\\$.*)?")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("net.openhft..")
                        .as("only MappedSegmentFile uses Chronicle"),
                List.of(SecondChronicleUser.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn.client..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("org.agrona..", "io.netty.channel.epoll..", "sun..", "jdk.internal..")
                        .as("the client needs neither Agrona nor a native library, so no JVM flag"),
                List.of(ClientWithAgrona.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn.raft..")
                        .should()
                        .dependOnClassesThat(impureForRaft())
                        .as("raft touches no I/O, time, randomness, thread or library but Agrona"),
                List.of(ImpureRaft.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn.raft..")
                        .should()
                        .accessTargetWhere(impureCall())
                        .as("raft asks no clock, environment, property or random number, and ends no process"),
                List.of(ClockReader.class, ImpureRaft.class)));
        rules.add(new Rule(
                noClasses()
                        .that()
                        .resideOutsideOfPackages(
                                "dev.cairn.client..",
                                "dev.cairn.server.cli..",
                                "dev.cairn.testkit..",
                                "dev.cairn.bench..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("dev.cairn.client..")
                        .as("of the server only its command line uses the client"),
                List.of(NettyOutsideNet.class)));
        ARROWS.forEach((module, allowed) -> rules.add(new Rule(
                noClasses()
                        .that()
                        .resideInAPackage("dev.cairn." + module + "..")
                        .should()
                        .dependOnClassesThat(resideInAPackage("dev.cairn..").and(not(anyOf(module, allowed))))
                        .as(module + " uses of the other modules only " + allowed),
                List.of(Objects.requireNonNull(PLANTED.get(module))))));
        return rules.stream();
    }

    private static DescribedPredicate<JavaClass> anyOf(String module, List<String> allowed) {
        return resideInAnyPackage(Stream.concat(Stream.of(module), allowed.stream())
                .map(name -> "dev.cairn." + name + "..")
                .toArray(String[]::new));
    }

    private static DescribedPredicate<JavaClass> impureForRaft() {
        DescribedPredicate<JavaClass> foreign =
                not(resideInAnyPackage("java..", "dev.cairn..", "org.agrona..", "org.jspecify.."));
        DescribedPredicate<JavaClass> impure = resideInAnyPackage(
                "java.io..",
                "java.nio.file..",
                "java.nio.channels..",
                "java.net..",
                "java.time..",
                "java.util.concurrent..",
                "java.util.random..",
                "java.security..");
        Set<String> names = Set.of(
                "java.lang.Thread",
                "java.lang.ThreadLocal",
                "java.lang.Runtime",
                "java.lang.Process",
                "java.lang.ProcessBuilder",
                "java.util.Random",
                "java.util.SplittableRandom",
                "java.util.UUID",
                "java.util.Date",
                "java.util.Calendar",
                "java.util.Timer");
        return foreign.or(impure)
                .or(DescribedPredicate.describe("is impure", (JavaClass it) -> names.contains(it.getName())))
                .and(not(DescribedPredicate.describe(
                        "is primitive", (JavaClass it) -> it.isPrimitive() || it.isArray())));
    }

    private static DescribedPredicate<JavaAccess<?>> impureCall() {
        return DescribedPredicate.describe("reads or changes the world", access -> {
            String owner = access.getTargetOwner().getName();
            return (owner.equals("java.lang.System") && IMPURE_SYSTEM_CALLS.contains(access.getName()))
                    || (owner.equals("java.lang.Math") && access.getName().equals("random"));
        });
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rules")
    @Covers({"R33", "R34"})
    void ruleHoldsForTheModules(Rule rule) {
        rule.rule().allowEmptyShould(true).check(MODULES);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rules")
    void ruleFailsForThePlantedClasses(Rule rule) {
        assertThat(rule.planted()).isNotEmpty();
        for (Class<?> planted : rule.planted()) {
            JavaClasses classes = new ClassFileImporter().importClasses(planted);
            assertThat(rule.rule().evaluate(classes).hasViolation())
                    .as(rule + " fails for " + planted)
                    .isTrue();
        }
    }

    @Test
    void everyModuleIsLookedAtAndNoPlantedClassIsAmongThem() {
        for (String module : ARROWS.keySet()) {
            assertThat(MODULES.stream().filter(it -> it.getPackageName().startsWith("dev.cairn." + module)))
                    .as(module)
                    .isNotEmpty();
        }
        assertThat(MODULES.stream().filter(it -> it.getPackageName().endsWith(".planted")))
                .isEmpty();
    }
}
