package dev.cairn.testkit;

import dev.cairn.client.CairnClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/** See {@link CairnCluster}: starts the cluster when a test first asks for it, and ends it with the test. */
final class CairnClusterExtension implements ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(CairnClusterExtension.class);
    private static final List<Class<?>> CLUSTERS =
            List.of(TestCluster.class, InProcessCluster.class, ProcessCluster.class);

    @Override
    public boolean supportsParameter(final ParameterContext parameter, final ExtensionContext test) {
        final Class<?> type = parameter.getParameter().getType();
        return type == CairnClient.class || CLUSTERS.contains(type);
    }

    @Override
    public Object resolveParameter(final ParameterContext parameter, final ExtensionContext test) {
        final Running running = test.getStore(NAMESPACE)
                .getOrComputeIfAbsent(
                        Running.class,
                        key -> Running.start(
                                annotation(test),
                                Stream.of(parameter.getDeclaringExecutable().getParameterTypes())
                                        .anyMatch(it -> it == ProcessCluster.class)),
                        Running.class);
        final Class<?> type = parameter.getParameter().getType();
        if (type == CairnClient.class) {
            return running.client;
        }
        if (!type.isInstance(running.cluster)) {
            throw new ParameterResolutionException("a test has one cluster, and that is a "
                    + running.cluster.getClass().getSimpleName() + ", no " + type.getSimpleName());
        }
        return running.cluster;
    }

    private static CairnCluster annotation(final ExtensionContext test) {
        return AnnotationSupport.findAnnotation(test.getElement(), CairnCluster.class)
                .or(() -> AnnotationSupport.findAnnotation(test.getTestClass(), CairnCluster.class))
                .orElseThrow(() -> new ParameterResolutionException("no @CairnCluster at the test or its class"));
    }

    /** What ends with the test. */
    private record Running(Path directory, TestCluster cluster, CairnClient client) implements AutoCloseable {
        static Running start(final CairnCluster wanted, final boolean processes) {
            try {
                final Path directory = Files.createTempDirectory("cairn-cluster-");
                final TestCluster cluster = processes
                        ? ProcessCluster.withLinks(directory, wanted.nodes(), wanted.settings())
                                .startAll()
                        : new InProcessCluster(directory, wanted.nodes(), wanted.settings()).startAll();
                cluster.awaitAllServe();
                return new Running(directory, cluster, cluster.connect());
            } catch (IOException e) {
                throw new ParameterResolutionException("no directory for a cluster: " + e.getMessage(), e);
            }
        }

        @Override
        public void close() throws IOException {
            client.close();
            cluster.close();
            final List<Path> files;
            try (Stream<Path> all = Files.walk(directory)) {
                files = all.sorted(Comparator.reverseOrder()).toList();
            }
            for (final Path file : files) {
                Files.delete(file);
            }
        }
    }
}
