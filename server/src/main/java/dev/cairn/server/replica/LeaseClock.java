package dev.cairn.server.replica;

/** The clocks that leases look at, read afresh at each call. */
public interface LeaseClock {
    /** For a replica without leases, which never looks. */
    LeaseClock NONE = new LeaseClock() {
        @Override
        public long monotonicNs() {
            return 0;
        }

        @Override
        public long wallMs() {
            return 0;
        }
    };

    /** The clock whose readings {@link ConsensusAgent#doWork} is given. */
    long monotonicNs();

    /** Milliseconds since 1970; may be set by anybody at any time. */
    long wallMs();
}
