/** A reader made from {@code docs/format.md} alone: it uses nothing of Cairn. */
@org.jspecify.annotations.NullMarked
package dev.cairn.format;
