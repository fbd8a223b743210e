package dev.cairn.wal;

/**
 * A slot of the hard-state file is unreadable or the file is gone although a log exists: the last vote is in doubt, so
 * this node may not take part under its node id again.
 */
public final class HardStateInDoubtException extends WalException {
    private static final long serialVersionUID = 1L;

    public HardStateInDoubtException(String message) {
        super(message);
    }
}
