package dev.cairn.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives each test of a class, or one test, a cluster of its own, on an empty directory. Tests take it as parameters: a
 * {@link TestCluster}, {@link InProcessCluster} or {@link ProcessCluster}, which serves already, and a {@code CairnClient} of
 * it.
 *
 * <pre>{@code
 * @CairnCluster(nodes = 3)
 * class OrdersTest {
 *     @Test
 *     void ordersSurviveALeader(InProcessCluster cluster, CairnClient client) {
 *         client.put(key, value);
 *         cluster.kill(cluster.awaitLeader());
 *         assertThat(client.get(key)).isPresent();
 *     }
 * }
 * }</pre>
 *
 * <p>A test that takes a {@link ProcessCluster} gets real processes, all others nodes in the JVM of the test. Both need the JVM
 * flags of a node.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(CairnClusterExtension.class)
public @interface CairnCluster {
    /** How many nodes, 1 to 15. */
    int nodes() default 3;

    /** Further {@code key=value} configuration of every node. */
    String[] settings() default {};
}
