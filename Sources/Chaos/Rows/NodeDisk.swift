import LiveWorld
import Primitives
import World

/// The files of a node that is down, to be damaged.
struct NodeDisk: Sendable {
    /// How much of the last segment is cut off.
    enum Cut: Hashable, Sendable {
        case bytes(Int64)
        case half
        case all
    }

    let node: Int
    let folder: String
    private let files = PosixFileStore()

    init(node: Int, folder: String) {
        self.node = node
        self.folder = folder
    }

    /// The segments of a partition, the oldest first.
    private func segments(_ partition: Int32, _ stage: ChaosStage) throws -> [String] {
        let partitionFolder = "\(folder)/\(stage.topic.key(partition))"
        return try files.list(partitionFolder).map(\.name).filter { $0.hasSuffix(".log") }.sorted()
            .map { "\(partitionFolder)/\($0)" }
    }

    /// Flips a bit in the middle of the oldest segment, which must be a closed one.
    func flipBit(of partition: Int32, _ stage: ChaosStage) throws {
        let segments = try segments(partition, stage)
        guard segments.count > 1 else {
            throw ChaosError(
                "node \(node) has no closed segment of \(stage.topic.key(partition)) yet: a longer load is needed")
        }
        let file = try files.open(segments[0], .readWrite)
        let place = try file.size() / 2
        let byte = Bytes([0])
        guard try file.read(into: byte, at: place) == 1 else { throw ChaosError("\(segments[0]) can't be read") }
        try file.write([Bytes([byte.array[0] ^ 0x10])], at: place)
        try file.synchronize()
        file.close()
        stage.note("flipped a bit of \(segments[0]) at byte \(place)")
    }

    /// Cuts the end of the last segment off.
    func cut(_ partition: Int32, _ cut: Cut, _ stage: ChaosStage) throws {
        guard let last = try segments(partition, stage).last else { return }
        let file = try files.open(last, .readWrite)
        let size = try file.size()
        let kept =
            switch cut {
            case .bytes(let count): max(size - count, 0)
            case .half: size / 2
            case .all: Int64(0)
            }
        try file.truncate(to: kept)
        try file.synchronize()
        file.close()
        stage.note("cut \(last) from \(size) to \(kept) bytes")
    }

    /// Removes the data directory, or a folder in it, and all in it.
    func wipe(_ name: String? = nil, _ stage: ChaosStage) throws {
        let path = name.map { "\(folder)/\($0)" } ?? folder
        try files.removeTree(path)
        stage.note("wiped \(path)")
    }

    /// The files below the data directory, or a folder in it, whose names are wanted, with what they hold.
    func files(
        within name: String? = nil, _ isWanted: (String) -> Bool
    ) throws(FileError) -> [(path: String, content: [UInt8])] {
        var open = [name.map { "\(folder)/\($0)" } ?? folder]
        var found: [(path: String, content: [UInt8])] = []
        while let next = open.popLast() {
            for entry in try files.list(next) {
                let path = "\(next)/\(entry.name)"
                if entry.isDirectory {
                    open.append(path)
                } else if isWanted(entry.name) {
                    found.append((path, try files.readAll(path)))
                }
            }
        }
        return found
    }

    /// Flips one bit in the middle of a file.
    func flip(_ path: String, _ content: [UInt8]) throws(FileError) {
        guard !content.isEmpty else { return }
        var damaged = content
        damaged[content.count / 2] ^= 0x10
        try write(path, damaged)
    }

    /// Makes a file hold exactly this.
    func write(_ path: String, _ content: [UInt8]) throws(FileError) {
        if let slash = path.lastIndex(of: "/") { try files.createDirectory(String(path[..<slash])) }
        let file = try files.open(path, .replace)
        try file.write([Bytes(content)], at: 0)
        try file.synchronize()
        file.close()
    }
}
