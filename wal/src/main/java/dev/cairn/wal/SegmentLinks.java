package dev.cairn.wal;

import dev.cairn.wal.SegmentEvidence.Found;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Second step of recovery: which segments make up the log, by their activation blocks, from the highest down. */
final class SegmentLinks {
    private final SegmentEvidence evidence;
    private final boolean hardStateIsNew;
    private final long hardStateSequence;
    private List<Found> links = new ArrayList<>();
    private final List<Found> torn = new ArrayList<>();

    /**
     * The links among what was found.
     *
     * @param hardStateIsNew whether there was no hard state, so that the file was made now
     * @param hardStateSequence of its last write; above 1 a log has been open here before
     */
    SegmentLinks(SegmentEvidence evidence, boolean hardStateIsNew, long hardStateSequence) {
        this.evidence = evidence;
        this.hardStateIsNew = hardStateIsNew;
        this.hardStateSequence = hardStateSequence;
    }

    /** The log's segments in order; empty where there never was a log. */
    List<Found> links() {
        return links;
    }

    /** Linked among themselves, but not to what is below: dropped with the torn tail. */
    List<Found> torn() {
        return torn;
    }

    /** From the highest activation block down; a recovery that replaced segments skips their sequences. */
    void link() {
        List<Found> activated = evidence.activated();
        if (activated.isEmpty()) {
            checkNothingWasThere();
            return;
        }
        Map<Integer, Found> bySequence = new HashMap<>();
        for (Found found : activated) {
            Found other = bySequence.put(found.sequence(), found);
            if (other != null) {
                throw new WalDamagedException(
                        found.name(),
                        ActivationDescriptor.FILE_OFFSET,
                        0,
                        "one segment of this sequence",
                        other.name());
            }
        }
        if (hardStateIsNew && hardStateSequence == 1) {
            throw new HardStateInDoubtException("hard state is gone although the log is there: segment="
                    + activated.get(0).name());
        }
        int top = activated.size() - 1;
        linkFrom(activated.get(top), bySequence);
        while (brokenByCrash()) {
            // Two rolls and no force between them: the later activation block reached the disk, the earlier did not.
            torn.addAll(0, links);
            int below = links.get(0).sequence();
            while (activated.get(top).sequence() >= below) {
                top--;
            }
            linkFrom(activated.get(top), bySequence);
        }
        activated.forEach(this::checkAccountedFor);
    }

    /**
     * Of a damaged log: every segment that nothing says is out of use, in order, also where one is missing in between; see
     * {@link #isLinked}.
     */
    void linkAround() {
        setApartDuplicates();
        List<Found> activated = evidence.activated();
        links = new ArrayList<>();
        for (int i = activated.size() - 1; i >= 0; i--) {
            Found found = activated.get(i);
            if (!links.isEmpty()) {
                Activation lowest = links.get(0).activation();
                if (lowest.kind() != ActivationDescriptor.KIND_CONTINUE) {
                    return;
                }
                if (found.sequence() >= lowest.replacedFrom()) {
                    continue;
                }
            }
            links.add(0, found);
        }
    }

    private void setApartDuplicates() {
        Map<Integer, Found> bySequence = new HashMap<>();
        for (Found found : List.copyOf(evidence.activated())) {
            Found other = bySequence.putIfAbsent(found.sequence(), found);
            if (other != null) {
                evidence.setApart(found);
                evidence.setApart(other);
            }
        }
    }

    /** Whether this segment states that it follows the one before it among the links. */
    boolean isLinked(int slot) {
        Activation activation = links.get(slot).activation();
        return slot > 0
                && activation.kind() == ActivationDescriptor.KIND_CONTINUE
                && activation.previousSegment() == links.get(slot - 1).sequence();
    }

    /** A segment in use that is not linked was replaced by a recovery, lies below a reset, or is part of the torn tail. */
    private void checkAccountedFor(Found found) {
        int sequence = found.sequence();
        boolean linked = links.contains(found) || torn.contains(found);
        boolean replaced = links.stream()
                .map(Found::activation)
                .anyMatch(link -> sequence >= link.replacedFrom() && sequence < link.segment());
        boolean aboveLinks = sequence > links.get(links.size() - 1).sequence();
        boolean belowReset = sequence < links.get(0).sequence();
        if (!linked && !replaced && !aboveLinks && !belowReset) {
            throw new WalDamagedException(
                    found.name(),
                    ActivationDescriptor.FILE_OFFSET,
                    found.activation().previousIndex() + 1,
                    "a segment that the next one links to",
                    "one that nothing accounts for");
        }
    }

    private void linkFrom(Found top, Map<Integer, Found> bySequence) {
        links = new ArrayList<>();
        Found next = top;
        while (next != null) {
            links.add(0, next);
            Activation activation = next.activation();
            next = activation.kind() == ActivationDescriptor.KIND_CONTINUE
                    ? bySequence.get(activation.previousSegment())
                    : null;
        }
    }

    /**
     * Whether the lowest link does not reach a segment that is there below it. Prefix deletion goes in sequence order, each
     * step forced, so what stands below a missing segment was not left over by it.
     *
     * @throws WalDamagedException when the missing one held durable records
     */
    private boolean brokenByCrash() {
        Activation lowest = links.get(0).activation();
        if (lowest.kind() != ActivationDescriptor.KIND_CONTINUE) {
            return false;
        }
        Found below = null;
        for (Found found : evidence.activated()) {
            if (found.sequence() < lowest.replacedFrom()) {
                below = found;
            }
        }
        if (below == null) {
            return false;
        }
        if (evidence.highestDurable()
                >= LogPosition.of(lowest.previousSegment(), ActivationDescriptor.RECORDS_OFFSET)) {
            throw new WalDamagedException(
                    Segment.nameOf(lowest.previousSegment()),
                    0,
                    lowest.previousIndex(),
                    "the segment before " + links.get(0).name(),
                    "no such segment in use, but " + below.name());
        }
        return true;
    }

    private void checkNothingWasThere() {
        boolean startedBefore = hardStateSequence > 1;
        if (evidence.highestDurable() != 0 || startedBefore) {
            throw new WalDamagedException(
                    Segment.nameOf(1),
                    0,
                    1,
                    "a log, for hard state has sequence=" + hardStateSequence,
                    "no segment in use");
        }
    }
}
