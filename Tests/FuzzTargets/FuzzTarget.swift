package import Primitives

/// Bytes that the process has allocated.
package typealias HeapBytes = @convention(c) () -> Int

/// What the fuzzer tries: one case for each parser that bytes from outside reach, on the wire or on a disk.
///
/// The first byte of an input chooses the target, the rest is its payload. A finding is whatever ends the process: a
/// trap, a limit on memory, a promise that does not hold.
package enum FuzzTarget: Int, CaseIterable, Sendable {
    /// A request as it arrives: header and body.
    case request
    /// Any message at any version.
    case message
    /// Records of the metadata log, one behind the other, replayed.
    case metadataRecords
    /// Records of `__consumer_offsets`, replayed and served.
    case groupRecords
    /// What a producer or a leader sends as records.
    case recordBatches
    case decompression
    /// The files of one partition's directory.
    case partitionLog
    /// The small text files of a log directory.
    case directoryFiles
    case producerSnapshot
    /// The metadata log's directory: log, snapshots, vote file.
    case metadataDirectory
    case properties
    /// Names of directories and files.
    case fileNames
    /// What comes in at the admin port.
    case adminRequests

    /// Runs one input.
    ///
    /// - Parameter heapBytes: to compare what a message takes with what its bytes may buy; only where nothing else
    ///   allocates meanwhile.
    package static func run(_ input: Bytes, heapBytes: HeapBytes? = nil) {
        guard input.count > 0, let target = FuzzTarget(rawValue: Int(input[0]) % allCases.count) else { return }
        target.run(input[1..<input.count], heapBytes: heapBytes)
    }

    private func run(_ payload: Bytes, heapBytes: HeapBytes?) {
        switch self {
        case .request: MessageFuzz(heapBytes: heapBytes).request(payload)
        case .message: MessageFuzz(heapBytes: heapBytes).message(payload)
        case .metadataRecords: RecordFuzz.metadata(payload)
        case .groupRecords: RecordFuzz.groups(payload)
        case .recordBatches: BatchFuzz.batches(payload)
        case .decompression: BatchFuzz.decompress(payload)
        case .partitionLog: LogFuzz.partition(payload)
        case .directoryFiles: TextFuzz.directoryFiles(payload)
        case .producerSnapshot: LogFuzz.producerSnapshot(payload)
        case .metadataDirectory: LogFuzz.metadataDirectory(payload)
        case .properties: TextFuzz.properties(payload)
        case .fileNames: TextFuzz.names(payload)
        case .adminRequests: TextFuzz.adminRequests(payload)
        }
    }
}
