import LiveWorld
import Primitives
import World

/// The library between one node's process and its machine (`Tests/Shims/machine.c`), as the tester commands it.
struct NodeShim: Sendable {
    /// A number on the page that the library reads, at its place.
    enum Command: Int64, Hashable, Sendable {
        /// What every flush takes longer, in milliseconds.
        case flushDelayMilliseconds = 0
        /// How many of the next flushes fail.
        case flushesToFail = 8
        /// Not 0: every write fails for want of room.
        case isFull = 16
        /// What the node's time of day is ahead, in milliseconds.
        case clockOffsetMilliseconds = 24
        /// Written by the library: how many flushes have failed.
        case flushesFailed = 32
        /// What every write takes longer, in milliseconds.
        case writeDelayMilliseconds = 40
    }

    /// Where the text stands that a path must have in it for its flushes to fail or be slow.
    private static let flushPathPlace: Int64 = 64
    private static let flushPathBytesMax = 191
    private static let pageBytes: Int64 = 4_096

    let library: String
    let dataDirectory: String
    /// Beside the data directory, as files can be linked within one file system only.
    let side: String
    private let files = PosixFileStore()

    init(library: String, dataDirectory: String, side: String) throws(FileError) {
        self.library = library
        self.dataDirectory = dataDirectory
        self.side = side
        try files.createDirectory(side)
        let page = try files.open(controlPath, .createIfMissing)
        if try page.size() < NodeShim.pageBytes { try page.truncate(to: NodeShim.pageBytes) }
        page.close()
    }

    private var controlPath: String { side + "/control" }

    /// What the node's process is started with.
    var environment: [String] {
        ["LD_PRELOAD=\(library)", "MARTLET_SHIM_ROOT=\(dataDirectory)", "MARTLET_SHIM_SIDE=\(side)"]
    }

    func set(_ command: Command, _ value: Int64) throws(FileError) {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        let page = try files.open(controlPath, .readWrite)
        try page.write([Bytes(bytes)], at: command.rawValue)
        page.close()
    }

    func value(of command: Command) throws(FileError) -> Int64 {
        let page = try files.open(controlPath, .read)
        defer { page.close() }
        let bytes = Bytes([UInt8](repeating: 0, count: 8))
        guard try page.read(into: bytes, at: command.rawValue) == 8 else { return 0 }
        return bytes.array.reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

    /// Only flushes of paths with `text` in them fail or are slow, and only writes to them are slow; those of all where
    /// it is empty.
    func mean(pathsWith text: String) throws(FileError) {
        let bytes = Array(text.utf8.prefix(NodeShim.flushPathBytesMax)) + [0]
        let page = try files.open(controlPath, .readWrite)
        try page.write([Bytes(bytes)], at: NodeShim.flushPathPlace)
        page.close()
    }
}
