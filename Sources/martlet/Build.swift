/// What this program calls itself.
enum Build {
    static let version = "0.1.0"
    /// The release of Kafka whose protocol it speaks.
    static let kafkaVersion = "4.3.0"
}
