package dev.cairn.bench.load;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Kinds of operations with their shares in percent, which add up to 100; a kind without a share is not in it. */
record Mix(Map<OperationKind, Integer> percents) {
    Mix {
        if (percents.values().stream().mapToInt(Integer::intValue).sum() != 100) {
            throw new IllegalArgumentException("shares of a load do not add up to 100: " + percents);
        }
    }

    static Mix of(OperationKind kind) {
        return new Mix(Map.of(kind, 100));
    }

    /** The second kind has what the first one leaves. */
    static Mix of(OperationKind kind, int percent, OperationKind other) {
        Map<OperationKind, Integer> percents = new EnumMap<>(OperationKind.class);
        if (percent > 0) {
            percents.put(kind, percent);
        }
        if (percent < 100) {
            percents.put(other, 100 - percent);
        }
        return new Mix(percents);
    }

    int percent(OperationKind kind) {
        return percents.getOrDefault(kind, 0);
    }

    boolean has(OperationKind kind) {
        return percent(kind) > 0;
    }

    List<OperationKind> kinds() {
        return percents.keySet().stream().sorted().toList();
    }

    /** @param draw 0 to 99 */
    OperationKind kind(int draw) {
        int left = draw;
        for (OperationKind kind : OperationKind.values()) {
            left -= percent(kind);
            if (left < 0) {
                return kind;
            }
        }
        throw new IllegalArgumentException("drawn " + draw + ", allowed are 0 to 99");
    }
}
