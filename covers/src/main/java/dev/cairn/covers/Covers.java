package dev.cairn.covers;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Ids of {@code docs/features.md} that a test shows, or all tests of a class. The build fails when an id of that table is
 * on no test that ran and passed. JUnit's {@code @Tag("K05")} counts the same.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface Covers {
    String[] value();
}
