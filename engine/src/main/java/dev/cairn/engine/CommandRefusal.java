package dev.cairn.engine;

import dev.cairn.protocol.Limits;
import dev.cairn.protocol.Status;

/** Why a command may not enter the log: what the client is told, as a code and in words. */
public enum CommandRefusal {
    NONE(Status.OK, ""),
    LAYOUT(Status.BAD_REQUEST, "the command contradicts its layout"),
    KIND(Status.BAD_REQUEST, "the command's kind is not known"),
    FLAGS(Status.BAD_REQUEST, "the command has flags that its kind does not know"),
    TWO_CONDITIONS(Status.BAD_REQUEST, "a command may expect a revision or a value, not both"),
    EXPECTED_REVISION(Status.BAD_REQUEST, "the expected revision is negative"),
    EXPECTED_VALUE(Status.BAD_REQUEST, "the command carries an expected value without the flag for it"),
    SESSION(
            Status.BAD_REQUEST,
            "the command needs a session; sequences begin at 1, the lowest open one is not above its own"),
    SESSION_NAME(
            Status.BAD_REQUEST,
            "opening a session takes no session, no sequence and a name of at most " + Limits.MAX_SESSION_NAME_BYTES
                    + " bytes"),
    KEY_EMPTY(Status.KEY_EMPTY, "the key is empty; keys have 1 to " + Limits.MAX_KEY_BYTES + " bytes"),
    KEY_TOO_LARGE(Status.KEY_TOO_LARGE, "the key is longer than " + Limits.MAX_KEY_BYTES + " bytes"),
    VALUE_TOO_LARGE(Status.VALUE_TOO_LARGE, "the value is longer than " + Limits.MAX_VALUE_BYTES + " bytes"),
    UNWANTED_KEY(Status.BAD_REQUEST, "a command of this kind has no key"),
    UNWANTED_VALUE(Status.BAD_REQUEST, "a command of this kind has no value"),
    DIFFERENCE(Status.BAD_REQUEST, "what is added to a counter has 8 bytes"),
    BATCH_TOO_LARGE(Status.VALUE_TOO_LARGE, "the batch is longer than " + Limits.MAX_BATCH_BYTES + " bytes"),
    BATCH_COUNT(Status.BAD_REQUEST, "a batch has 1 to " + Limits.MAX_BATCH_ITEMS + " items"),
    BATCH_LAYOUT(Status.BAD_REQUEST, "the items of the batch contradict its length"),
    BATCH_KEY_TWICE(Status.BAD_REQUEST, "a key occurs twice in the batch"),
    RANGE_REVERSED(Status.BAD_REQUEST, "the range does not begin before its end");

    private final Status status;
    private final String text;

    CommandRefusal(Status status, String text) {
        this.status = status;
        this.text = text;
    }

    public Status status() {
        return status;
    }

    /** One line that names the limit or the reason. */
    public String text() {
        return text;
    }
}
