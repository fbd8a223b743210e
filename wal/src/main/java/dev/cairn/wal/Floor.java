package dev.cairn.wal;

/**
 * What the caller knows to be durable and applied elsewhere: the log must hold that entry, or begin right behind it.
 *
 * @param index flushed applied index; 0 = nothing applied, so the log must begin at 1; -1 = not known, nothing is checked
 * @param term its term
 */
public record Floor(long index, long term) {
    public static final Floor UNKNOWN = new Floor(-1, 0);
    public static final Floor EMPTY = new Floor(0, 0);
}
