/**
 * The client wire protocol: layouts as offsets without a buffer type ({@code ...Descriptor}), codes, limits, and their
 * {@code ByteBuf} codec. {@code docs/protocol.md} says the same in words for clients in other languages.
 */
@NullMarked
package dev.cairn.protocol;

import org.jspecify.annotations.NullMarked;
