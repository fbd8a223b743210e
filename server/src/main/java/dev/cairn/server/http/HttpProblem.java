package dev.cairn.server.http;

import dev.cairn.protocol.Status;
import java.util.Locale;

/** A request that is answered with an error: thrown while it is read and checked, never across threads. */
final class HttpProblem extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int code;
    private final String error;

    /**
     * @param code status code of HTTP
     * @param error for programs: lower case, underscores
     * @param message for people: what is wrong and what is allowed
     */
    HttpProblem(final int code, final String error, final String message) {
        super(message, null, false, false);
        this.code = code;
        this.error = error;
    }

    static HttpProblem badRequest(final String message) {
        return new HttpProblem(400, "bad_request", message);
    }

    int code() {
        return code;
    }

    String error() {
        return error;
    }

    String message() {
        return String.valueOf(getMessage());
    }

    /** The word for a status of the protocol. */
    static String errorOf(final Status status) {
        return status.name().toLowerCase(Locale.ROOT);
    }

    /** The code of HTTP for a status of the protocol. */
    static int codeOf(final Status status) {
        return switch (status) {
            case OK -> 200;
            case NOT_FOUND -> 404;
            case BUSY -> 429;
            case BAD_REQUEST, KEY_EMPTY, KEY_TOO_LARGE -> 400;
            case VALUE_TOO_LARGE, RESULT_TOO_LARGE, FRAME_TOO_LARGE -> 413;
            case NOT_LEADER,
                    SEQUENCE_REUSED,
                    SEQUENCE_OUT_OF_WINDOW,
                    CONDITION_FAILED,
                    NOT_A_NUMBER,
                    NUMBER_OVERFLOW,
                    CANCELLED,
                    SESSION_NAME_TAKEN -> 409;
            case SESSION_EXPIRED, NO_SPACE, SHUTTING_DOWN, DEADLINE, NOT_CAUGHT_UP, SESSION_FULL, CURSOR_EXPIRED -> 503;
            default -> 500;
        };
    }
}
