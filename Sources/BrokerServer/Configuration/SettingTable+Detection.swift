/// How failures are found before the session of a broker is over (`docs/operations.md`, "How failures are found").
extension SettingTable {
    package static let detection: [Setting] = [
        Setting(
            "broker.silence.timeout.ms", count, "600",
            "The least silence for which a broker is fenced before its session is over, where another broker gets no "
                + "sign of life either (rule R2); 0 leaves it to the session."),
        Setting(
            "broker.silence.intervals", positive, "8",
            "How many of its usual heartbeat intervals a broker must be silent for that."),
        Setting(
            "broker.silence.own.lag.ms", positive, "100",
            "A node whose control loop was held up by so much in the last seconds does not judge others."),
        Setting(
            "broker.silence.fences.max", positive, "2", "How many brokers are fenced for silence at most in a time."),
        Setting("broker.silence.fences.window.ms", positive, "10000", "This time."),
        Setting(
            "leader.unfetchable.timeout.ms", count, "1000",
            "How long most in-sync followers fail to fetch from a leader that the controller hears before another one "
                + "leads (rule R4); 0 for never."),
        Setting(
            "leader.slow.flush.ms", count, "1000",
            "A leader whose flushes in a log directory take longer than this, at the 99th percentile, hands over what "
                + "it leads there (rule R5); 0 for never."),
        Setting("leader.slow.flush.duration.ms", positive, "3000", "How long it must be so."),
        Setting(
            "leader.hold.down.ms", count, "5000",
            "How long a broker that was suspected leads nothing that another can lead, once it is let in again; "
                + "doubled each time."),
        Setting(
            "socket.user.timeout.ms", count, "1000",
            "How long a node's own connections to others may wait for what they sent to be acknowledged "
                + "(TCP_USER_TIMEOUT); 0 leaves it to the system."),
    ]
}
