/**
 * What shows how fast Cairn is; each tool is a package: {@code load} puts a load on what {@code targets} describes, {@code floor} is
 * the bound that a store is held against, {@code compare} and {@code measure} start servers and load them, {@code report} shows what
 * they have written, {@code jmh} measures single stages. {@code results} and {@code machine} serve them.
 */
@NullMarked
package dev.cairn.bench;

import org.jspecify.annotations.NullMarked;
