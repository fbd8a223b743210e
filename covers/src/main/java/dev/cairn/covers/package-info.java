/** Which tests show which feature of docs/features.md, and the gate that holds the table against the tests that ran. */
@NullMarked
package dev.cairn.covers;

import org.jspecify.annotations.NullMarked;
