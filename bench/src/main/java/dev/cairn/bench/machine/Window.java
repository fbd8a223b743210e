package dev.cairn.bench.machine;

/** What wants to know when the window of a load begins and ends. */
public interface Window {
    void open();

    void close();
}
