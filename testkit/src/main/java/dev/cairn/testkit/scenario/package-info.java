/** What a cluster must be able to do, as scenarios that a test or a command runs against any {@code TestCluster}. */
@NullMarked
package dev.cairn.testkit.scenario;

import org.jspecify.annotations.NullMarked;
