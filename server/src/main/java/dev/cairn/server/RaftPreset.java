package dev.cairn.server;

/** Named sets of timings, in milliseconds; each key of its own overrides its part. */
public enum RaftPreset {
    FAST("fast", 30, 120, 240),
    DEFAULT("default", 100, 500, 1000),
    DEBUG("debug", 1000, 5000, 10000),
    DEMO("demo", 500, 2000, 4000);

    private final String text;
    private final int heartbeatMs;
    private final int electionMinMs;
    private final int electionMaxMs;

    RaftPreset(String text, int heartbeatMs, int electionMinMs, int electionMaxMs) {
        this.text = text;
        this.heartbeatMs = heartbeatMs;
        this.electionMinMs = electionMinMs;
        this.electionMaxMs = electionMaxMs;
    }

    /** As written in a properties file. */
    public String text() {
        return text;
    }

    public int heartbeatMs() {
        return heartbeatMs;
    }

    public int electionMinMs() {
        return electionMinMs;
    }

    public int electionMaxMs() {
        return electionMaxMs;
    }
}
