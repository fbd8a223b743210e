package dev.cairn.testkit.sim;

/**
 * How a run is made difficult. Every seed draws its own mixture, so that each run is extreme in some ways and quiet in
 * others: a fault that is always on hides the bugs that need its absence. Times in nanoseconds of virtual time; an
 * interval of 0 means never.
 */
final class SwarmKnobs {
    static final long US = 1_000;
    static final long MS = 1_000_000;
    static final long SECOND = 1_000_000_000;

    /** As {@link #snapshotEntries}. */
    static final int NO_SNAPSHOTS = Integer.MAX_VALUE;

    // Shape.
    int nodes;
    int heartbeatTicks;
    int electionMinTicks;
    int electionMaxTicks;
    long tickNs;
    int maxAppendBytes;
    int maxInflightBytes;
    int maxInflightEntries;
    int maxReadRounds;
    long lingerNs;
    int segmentBytes;
    int spareCount;
    long faultsNs;

    // Load.
    int clients;
    int operationsPerClient;
    int keys;
    int maxInFlight;
    double getShare;
    double deleteShare;
    double staleShare;
    long clientPauseNs;
    int maxValueBytes;
    long deadlineNs;
    /** A client that hears nothing for so long asks elsewhere. */
    long clientSilenceNs;

    // Network.
    long delayNs;
    double slowMessages;
    long slowDelayNs;
    double drop;
    double duplicate;
    boolean ordered;
    boolean tellsConnectionChanges;
    double clientResets;
    long slowLinkEveryNs;
    long slowLinkForNs;
    long slowLinkDelayNs;
    long slowLinkNsPerByte;
    double flapping;
    long flapNs;
    long clientCutEveryNs;

    // Threads and disks.
    long loopNs;
    long forceNs;
    double slowForces;
    long slowForceNs;
    long applyNs;
    double slowApplies;
    double nestedSteps;
    double coldReads;

    // Faults.
    long partitionEveryNs;
    long partitionForNs;
    long pauseEveryNs;
    long pauseForNs;
    double sharedPauses;
    long crashEveryNs;
    double hostCrashes;
    double midEffectCrashes;
    double allCrash;
    double recoveryCrashes;
    double roleChangeCrashes;
    long downForNs;
    double forceFailures;
    long clockJumpEveryNs;
    long longestClockJumpNs = 7200 * SECOND;
    /** How much faster or slower than the others a clock may run, in thousandths. */
    int clockRate;

    long clockRateEveryNs;
    long slowDiskEveryNs;
    long storeFlushEveryNs;
    long writeBackEveryNs;
    long fullDiskEveryNs;
    long fullDiskForNs;
    /** At a start: how often a bit of the node's files has changed meanwhile. */
    double rot;

    /** Whether the hard state stays whole, which nobody can mend. */
    boolean rotOfLogOnly;

    double repairCrashes;

    // Operators.
    long transferEveryNs;
    long membershipEveryNs;

    // Snapshots.
    /** Entries behind the last snapshot that make the next one due. */
    int snapshotEntries;

    long snapshotLookNs;
    int snapshotPieceBytes;
    int keptLogBytes;
    long pinForNs;
    double installCrashes;

    private SwarmKnobs() {}

    static SwarmKnobs of(SimRandom random) {
        SwarmKnobs knobs = new SwarmKnobs();
        knobs.drawShape(random.split(1));
        knobs.drawLoad(random.split(2));
        knobs.drawNetwork(random.split(3));
        knobs.drawThreads(random.split(4));
        knobs.drawFaults(random.split(5));
        knobs.drawLinks(random.split(7));
        knobs.drawClocks(random.split(8));
        knobs.drawSnapshots(random.split(9));
        knobs.drawOperators(random.split(10));
        knobs.lingerNs = sometimes(random.split(11), 3, MS, 40 * MS);
        switch (random.split(6).nextInt(10)) {
            case 0 -> knobs.backlogs();
            case 1 -> knobs.duels();
            case 2 -> knobs.crashesInARow();
            case 3 -> knobs.compaction();
            case 4 -> knobs.oldLeaders();
            case 5 -> knobs.memberships();
            default -> {}
        }
        return knobs;
    }

    /** The swarm as it is. */
    void asDrawn() {}

    // ---- mixtures that chance alone would seldom draw

    /** Figure 8 of the paper: short-lived leaders with a backlog of old entries that travels one by one. */
    void backlogs() {
        nodes = 3;
        heartbeatTicks = 2;
        electionMinTicks = 10;
        electionMaxTicks = 14;
        maxAppendBytes = 256;
        maxInflightBytes = 256;
        maxInflightEntries = 1;
        load(5, 60);
        maxInFlight = 8;
        getShare = 0.05;
        clientPauseNs = 2 * MS;
        deadlineNs = 400 * MS;
        ordered = true;
        delayNs = 6 * MS;
        slowMessages = 0;
        drop = 0;
        duplicate = 0;
        forceNs = 3 * MS;
        slowForces = 0;
        pauseEveryNs = 0;
        crashOneByOne(120 * MS, 60 * MS);
        recoveryCrashes = 0;
        forceFailures = 0;
        partition(80 * MS, 100 * MS);
        faultsNs = 4 * SECOND;
    }

    /** Candidates compete for votes that come late and twice, while hard states take long to write and voters crash. */
    void duels() {
        nodes = 5;
        electionMaxTicks = electionMinTicks + 1;
        ordered = false;
        duplicate = 0.3;
        slowMessages = 0.3;
        slowDelayNs = 80 * MS;
        forceNs = 8 * MS;
        crashOneByOne(150 * MS, 2 * MS);
        roleChangeCrashes = 0.1;
        pauseEveryNs = 300 * MS;
        pauseForNs = 200 * MS;
    }

    /** Process and host in turn: what the first leaves unforced, the second takes. */
    void crashesInARow() {
        crashEveryNs = 100 * MS;
        hostCrashes = 0.5;
        downForNs = 5 * MS;
        forceNs = 8 * MS;
        writeBackEveryNs = 0;
        clientPauseNs = 5 * MS;
    }

    /** Nodes that are away for longer than the log is kept: one snapshot after the other. */
    void compaction() {
        nodes = Math.max(3, nodes);
        snapshotEntries = 8;
        snapshotLookNs = 5 * MS;
        snapshotPieceBytes = 700;
        keptLogBytes = 0;
        pinForNs = 30 * MS;
        segmentBytes = 64 * 1024;
        delayNs = 300 * US;
        forceNs = 2 * MS;
        applyNs = 200 * US;
        load(4, 110);
        getShare = 0.1;
        deleteShare = 0.1;
        maxValueBytes = 6000;
        clientPauseNs = 3 * MS;
        crashOneByOne(400 * MS, 400 * MS);
        partition(400 * MS, 300 * MS);
        drop = 0.02;
        slowMessages = 0;
        installCrashes = 0.6;
    }

    /** Configurations that follow each other as fast as they commit, under leaders that change. */
    void memberships() {
        nodes = 5;
        membershipEveryNs = 12 * MS;
        transferEveryNs = 200 * MS;
        rot = 0;
        electionMaxTicks = electionMinTicks + 4;
        load(3, 60);
        delayNs = 300 * US;
        slowMessages = 0;
        drop = 0;
        forceNs = 500 * US;
        slowForces = 0;
        applyNs = 2 * MS;
        fullDiskEveryNs = 0;
        pauseEveryNs = 0;
        crashOneByOne(400 * MS, 30 * MS);
        partition(120 * MS, 200 * MS);
    }

    /** A minority of the disks that loses something at nearly every start, also in the middle of a repair. */
    void damage() {
        nodes = Math.max(3, nodes);
        membershipEveryNs = 0;
        rot = 0.7;
        rotOfLogOnly = true;
        repairCrashes = 0.4;
        crashOneByOne(200 * MS, 40 * MS);
        roleChangeCrashes = 0.05;
        storeFlushEveryNs = SECOND;
        load(4, 80);
        clientPauseNs = 15 * MS;
        partitionEveryNs = 600 * MS;
    }

    /** The same, of disks whose nodes join and leave. */
    void damageAmongChanges() {
        damage();
        membershipEveryNs = 15 * MS;
        partitionEveryNs = 0;
    }

    /** Clocks that jump further than a session lives, under leaders that change. */
    void expiries() {
        clockJumpEveryNs = 60 * MS;
        longestClockJumpNs = 100_000 * SECOND;
        transferEveryNs = 100 * MS;
        crashEveryNs = 300 * MS;
        clients = 4;
        operationsPerClient = 80;
        clientPauseNs = 10 * MS;
        maxInFlight = 4;
    }

    /** Leaders who do not hear that they lead no longer, with clocks that let them believe it; late answers; many reads. */
    void oldLeaders() {
        nodes = 3;
        transferEveryNs = 0;
        membershipEveryNs = 0;
        electionMinTicks = 10;
        electionMaxTicks = 11;
        clockRate = 500;
        clockRateEveryNs = 300 * MS;
        load(5, 60);
        maxInFlight = 4;
        keys = 1;
        getShare = 0.75;
        staleShare = 0;
        clientPauseNs = 6 * MS;
        deadlineNs = 400 * MS;
        clientSilenceNs = 120 * MS;
        clientCutEveryNs = 0;
        ordered = false;
        delayNs = 300 * US;
        slowMessages = 0.1;
        slowDelayNs = 150 * MS;
        slowLinkEveryNs = 150 * MS;
        slowLinkForNs = 250 * MS;
        slowLinkDelayNs = 150 * MS;
        slowLinkNsPerByte = 10;
        drop = 0;
        forceNs = 500 * US;
        slowForces = 0;
        applyNs = 100 * US;
        slowApplies = 0;
        pauseEveryNs = 0;
        crashEveryNs = 0;
        fullDiskEveryNs = 0;
        slowDiskEveryNs = 0;
        partition(200 * MS, 200 * MS);
        flapping = 0;
        faultsNs = 3 * SECOND;
    }

    // ---- what several of them set together

    private void load(int ofClients, int operationsOfEach) {
        clients = ofClients;
        operationsPerClient = operationsOfEach;
    }

    /** Never all at once. */
    private void crashOneByOne(long everyNs, long forNs) {
        crashEveryNs = everyNs;
        downForNs = forNs;
        allCrash = 0;
    }

    private void partition(long everyNs, long forNs) {
        partitionEveryNs = everyNs;
        partitionForNs = forNs;
    }

    // ---- chance

    private void drawShape(SimRandom random) {
        int shape = random.nextInt(20);
        nodes = shape < 2 ? 1 : shape < 13 ? 3 : shape < 18 ? 5 : 7;
        tickNs = 10 * MS;
        heartbeatTicks = random.between(2, 4);
        electionMinTicks = random.between(10, 14);
        // Close together, so that candidates compete, in one of four.
        electionMaxTicks = electionMinTicks + (random.nextInt(4) == 0 ? 1 : random.between(4, 14));
        maxAppendBytes = (int) random.betweenLog(256, 1 << 16);
        maxInflightBytes = maxAppendBytes * random.between(1, 8);
        maxInflightEntries = (int) random.betweenLog(1, 256);
        maxReadRounds = random.between(1, 4);
        segmentBytes = (64 * 1024) << random.nextInt(2);
        spareCount = random.nextInt(3);
        faultsNs = random.between(1500 * MS, 3 * SECOND);
    }

    private void drawLoad(SimRandom random) {
        clients = random.between(2, 5);
        operationsPerClient = random.between(120, 220) / clients;
        keys = random.between(1, 6);
        maxInFlight = random.between(1, 8);
        getShare = 0.1 + 0.5 * random.nextDouble();
        deleteShare = 0.3 * random.nextDouble();
        staleShare = 0.2 * random.nextDouble();
        clientPauseNs = random.betweenLog(500 * US, 40 * MS);
        deadlineNs = random.betweenLog(150 * MS, 1500 * MS);
        clientSilenceNs = 150 * MS;
        maxValueBytes = (int) random.betweenLog(16, 6000);
    }

    private void drawNetwork(SimRandom random) {
        delayNs = random.betweenLog(30 * US, 4 * MS);
        int slow = random.nextInt(10);
        slowMessages = slow < 5 ? 0 : (slow < 8 ? 0.05 : 0.4) * random.nextDouble();
        slowDelayNs = random.betweenLog(5 * MS, 400 * MS);
        drop = random.nextInt(3) == 0 ? 0 : random.nextDouble() * random.nextDouble() * 0.2;
        duplicate = random.nextBoolean() ? 0 : 0.1 * random.nextDouble();
        ordered = random.nextBoolean();
        tellsConnectionChanges = random.nextBoolean();
        clientResets = random.nextBoolean() ? 0 : 0.02 * random.nextDouble();
    }

    private void drawThreads(SimRandom random) {
        loopNs = random.betweenLog(2 * US, 100 * US);
        forceNs = random.betweenLog(50 * US, 8 * MS);
        slowForces = random.nextBoolean() ? 0 : 0.1 * random.nextDouble();
        slowForceNs = random.betweenLog(5 * MS, 300 * MS);
        applyNs = random.betweenLog(10 * US, 4 * MS);
        slowApplies = random.nextBoolean() ? 0 : 0.05 * random.nextDouble();
        nestedSteps = random.nextBoolean() ? 0 : random.nextDouble();
        coldReads = random.nextInt(4) == 0 ? random.nextDouble() : 0;
    }

    private void drawFaults(SimRandom random) {
        partitionEveryNs = sometimes(random, 3, 150 * MS, 1200 * MS);
        partitionForNs = random.betweenLog(30 * MS, 900 * MS);
        pauseEveryNs = sometimes(random, 2, 150 * MS, 1500 * MS);
        pauseForNs = random.betweenLog(10 * MS, 700 * MS);
        crashEveryNs = sometimes(random, 4, 150 * MS, 1500 * MS);
        hostCrashes = random.nextInt(3) / 2.0;
        midEffectCrashes = random.nextDouble();
        allCrash = random.nextInt(3) == 0 ? 0.3 : 0.05;
        recoveryCrashes = random.nextInt(3) == 0 ? 0.6 : 0.1;
        roleChangeCrashes = random.nextInt(3) == 0 ? 0.3 * random.nextDouble() : 0;
        downForNs = random.betweenLog(1 * MS, 500 * MS);
        forceFailures = random.nextInt(4) == 0 ? 0.3 : 0;
        clockJumpEveryNs = sometimes(random, 1, 200 * MS, 1500 * MS);
        slowDiskEveryNs = sometimes(random, 1, 200 * MS, 1500 * MS);
        storeFlushEveryNs = random.betweenLog(5 * MS, 3 * SECOND);
        writeBackEveryNs = sometimes(random, 2, 10 * MS, 800 * MS);
        fullDiskEveryNs = sometimes(random, 2, 150 * MS, 1500 * MS);
        fullDiskForNs = random.betweenLog(50 * MS, 1500 * MS);
    }

    private void drawLinks(SimRandom random) {
        slowLinkEveryNs = sometimes(random, 2, 150 * MS, 1200 * MS);
        slowLinkForNs = random.betweenLog(50 * MS, 1500 * MS);
        slowLinkDelayNs = random.betweenLog(MS, 300 * MS);
        // From a hundred megabytes a second down to one hundred kilobytes.
        slowLinkNsPerByte = random.betweenLog(10, 10 * US);
        flapping = random.nextInt(3) == 0 ? 0.5 : 0;
        flapNs = random.betweenLog(5 * MS, 150 * MS);
        clientCutEveryNs = sometimes(random, 1, 200 * MS, 1500 * MS);
        sharedPauses = random.nextInt(3) == 0 ? 0.5 : 0;
    }

    private void drawClocks(SimRandom random) {
        int kind = random.nextInt(8);
        clockRate = kind < 3 ? 0 : kind < 7 ? random.between(1, 100) : 500;
        clockRateEveryNs = clockRate == 0 ? 0 : random.betweenLog(200 * MS, 3 * SECOND);
    }

    private void drawSnapshots(SimRandom random) {
        boolean on = random.nextInt(5) < 3;
        int entries = (int) random.betweenLog(8, 120);
        snapshotEntries = on ? entries : NO_SNAPSHOTS;
        snapshotLookNs = random.betweenLog(3 * MS, 60 * MS);
        snapshotPieceBytes = (int) random.betweenLog(512, 64 * 1024);
        keptLogBytes = random.nextInt(3) == 0 ? segmentBytes : 0;
        pinForNs = random.betweenLog(20 * MS, 2 * SECOND);
        installCrashes = random.nextInt(3) == 0 ? 0.1 : 0.6;
        rot = random.nextInt(3) == 0 ? 0.2 * random.nextDouble() : 0;
        repairCrashes = rot > 0 ? 0.3 : 0;
    }

    private void drawOperators(SimRandom random) {
        transferEveryNs = sometimes(random, 2, 50 * MS, 1500 * MS);
        membershipEveryNs = nodes == 1 ? 0 : sometimes(random, 2, 20 * MS, 1000 * MS);
        // A node that refuses to start, for it knows its vote no longer, cannot be a voter again.
        rotOfLogOnly = membershipEveryNs > 0;
    }

    /** Whether the clocks keep to what reads by lease ask of them: the fastest less than a quarter faster than the slowest. */
    boolean leasesHold() {
        return 4 * (1000 + clockRate) < 5 * (1000 - clockRate);
    }

    private static long sometimes(SimRandom random, int ofFive, long low, long high) {
        boolean on = random.nextInt(5) < ofFive;
        long value = random.betweenLog(low, high);
        return on ? value : 0;
    }

    /** For the first line of a trace. */
    String describe() {
        return "nodes=" + nodes + " clients=" + clients + "x" + operationsPerClient + " keys=" + keys + " inFlight="
                + maxInFlight + " ordered=" + ordered + " drop=" + percent(drop) + " duplicate=" + percent(duplicate)
                + " partitionMs=" + partitionEveryNs / MS + " pauseMs=" + pauseEveryNs / MS + " crashMs="
                + crashEveryNs / MS + " host=" + percent(hostCrashes) + " forceUs=" + forceNs / US + " nested="
                + percent(nestedSteps);
    }

    private static String percent(double share) {
        return Math.round(share * 1000) / 10 + "%";
    }
}
