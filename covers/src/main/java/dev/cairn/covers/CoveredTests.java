package dev.cairn.covers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.AnnotatedElement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Pattern;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.TestTag;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Records which ids were on the tests that ran and passed: JUnit finds it on the class path of every module's tests. A
 * skipped, aborted or failed test is not recorded. Without {@link #FILE_PROPERTY} (an IDE, say) nothing is written.
 *
 * <p>The file begins with the build's name, so that nobody takes a file of an earlier build for one of this. Each JVM has a
 * file of its own; several test plans of one build, one after the other, add to it.
 */
public final class CoveredTests implements TestExecutionListener {
    /** Where to write. */
    static final String FILE_PROPERTY = "cairn.covers.file";
    /** Name of the build, the same for all modules of it and for no other build. */
    static final String BUILD_PROPERTY = "cairn.covers.build";

    private static final Pattern ID = Pattern.compile("[A-Z]\\d\\d");

    /** {@code id class#method}, or {@code id class#}; tests may run on several threads. */
    private final Set<String> passed = new ConcurrentSkipListSet<>();

    private Optional<TestPlan> plan = Optional.empty();

    @Override
    public void testPlanExecutionStarted(final TestPlan testPlan) {
        plan = Optional.of(testPlan);
    }

    @Override
    public void executionFinished(final TestIdentifier test, final TestExecutionResult result) {
        if (test.isTest() && result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
            record(test);
        }
    }

    /** Each id under the name of what carries it: the class when all tests of it do. */
    private void record(final TestIdentifier test) {
        final Set<String> seen = new HashSet<>();
        for (final TestIdentifier carrier : withParents(test)) {
            final Optional<String> name = carrier.getSource().flatMap(CoveredTests::nameOf);
            for (final String id : idsOf(carrier)) {
                if (name.isPresent() && seen.add(id)) {
                    passed.add(id + ' ' + name.get());
                }
            }
        }
    }

    private static Optional<String> nameOf(final TestSource source) {
        if (source instanceof MethodSource method) {
            return Optional.of(method.getClassName() + '#' + method.getMethodName());
        }
        return source instanceof ClassSource type ? Optional.of(type.getClassName() + '#') : Optional.empty();
    }

    private static List<String> idsOf(final TestIdentifier carrier) {
        final List<String> ids = new ArrayList<>();
        carrier.getTags().stream()
                .map(TestTag::getName)
                .filter(tag -> ID.matcher(tag).matches())
                .forEach(ids::add);
        carrier.getSource().map(CoveredTests::coversOf).ifPresent(ids::addAll);
        return ids;
    }

    /** Outermost first: JUnit repeats the tags of a class on each of its methods. */
    private List<TestIdentifier> withParents(final TestIdentifier test) {
        final List<TestIdentifier> all = new ArrayList<>();
        Optional<TestIdentifier> next = Optional.of(test);
        while (next.isPresent()) {
            all.add(0, next.get());
            final TestIdentifier child = next.get();
            next = plan.flatMap(tests -> tests.getParent(child));
        }
        return all;
    }

    private static List<String> coversOf(final TestSource source) {
        final AnnotatedElement element;
        if (source instanceof MethodSource method) {
            element = method.getJavaMethod();
        } else if (source instanceof ClassSource type) {
            element = type.getJavaClass();
        } else {
            return List.of();
        }
        final Covers covers = element.getAnnotation(Covers.class);
        return covers == null ? List.of() : List.of(covers.value());
    }

    @Override
    public void testPlanExecutionFinished(final TestPlan testPlan) {
        final String file = System.getProperty(FILE_PROPERTY, "");
        if (file.isEmpty()) {
            return;
        }
        try {
            write(Path.of(file), System.getProperty(BUILD_PROPERTY, ""), passed);
        } catch (IOException e) {
            throw new UncheckedIOException("record of the tests that ran, " + file + ": " + e.getMessage(), e);
        }
    }

    /** Adds to a record of the same build, and begins anew over any other. */
    static void write(final Path file, final String build, final Set<String> passed) throws IOException {
        final Set<String> all = new TreeSet<>(passed);
        final List<String> before = Files.exists(file) ? Files.readAllLines(file) : List.of();
        if (!before.isEmpty() && before.get(0).equals(build)) {
            all.addAll(before.subList(1, before.size()));
        }
        final List<String> lines = new ArrayList<>();
        lines.add(build);
        lines.addAll(all);
        Files.write(file, lines);
    }
}
