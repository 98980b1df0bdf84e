import MartletClient

/// Prints what a consumer reads, until one of the ends that the options name.
struct ConsoleReading {
    /// How often the wish to end is looked at while nothing comes.
    private static let waitMilliseconds: Int64 = 200

    /// Bytes that are written together at most.
    private static let writeBytes = 65_536

    private let formatter: any RecordFormatter
    private let skipsErrors: Bool
    /// Negative for no end.
    var messagesMax: Int?
    var timeoutMilliseconds: Int64?
    private(set) var count = 0
    private var unwritten: [UInt8] = []

    init(_ formatter: any RecordFormatter, skipsErrors: Bool) {
        self.formatter = formatter
        self.skipsErrors = skipsErrors
    }

    /// Reads and prints; what has come already is written together. Returns what ended it, if that was an error.
    mutating func run(_ consumer: Consumer) async throws(ClientError) -> ToolFailure? {
        let limit = messagesMax.map { $0 < 0 ? Int.max : $0 } ?? .max
        let timeout = timeoutMilliseconds.flatMap { $0 < 0 ? nil : $0 }
        var waited: Int64 = 0
        while count < limit, !Interruption.isWanted {
            let wait = max(1, min(Self.waitMilliseconds, (timeout ?? Int64.max) - waited))
            if let record = try await consumer.next(timeoutMilliseconds: unwritten.isEmpty ? wait : 0) {
                waited = 0
                count += 1
                if let failure = take(record) {
                    flush()
                    return failure
                }
                guard unwritten.count >= Self.writeBytes else { continue }
            } else if unwritten.isEmpty {
                waited += wait
                guard let timeout, waited >= timeout else { continue }
                Console.complain(
                    "ERROR Error processing message, terminating consumer process: TimeoutException: no message within "
                        + "\(timeout) ms")
                break
            }
            flush()
        }
        flush()
        return nil
    }

    private mutating func take(_ record: ConsumedRecord) -> ToolFailure? {
        let before = unwritten.count
        do throws(ToolFailure) {
            try formatter.write(record, to: &unwritten)
            return nil
        } catch {
            unwritten.removeLast(unwritten.count - before)
            guard skipsErrors else { return error }
            Console.complain("ERROR Error processing message, skipping this message: \(error)")
            return nil
        }
    }

    private mutating func flush() {
        if !unwritten.isEmpty { Console.write(unwritten) }
        unwritten = []
    }
}
