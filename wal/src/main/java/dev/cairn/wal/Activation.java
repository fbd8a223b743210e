package dev.cairn.wal;

/** The fields of an activation block; {@link ActivationDescriptor} says what they mean. */
record Activation(
        int kind,
        int segment,
        int previousSegment,
        int previousEnd,
        long previousIndex,
        long previousTerm,
        long durablePosition,
        int seed,
        int replacedFrom,
        long salt) {}
