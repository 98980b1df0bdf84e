import BrokerServer
import Coordinators
import LogStorage
import Metadata
import MessageForge
import Primitives
import WireDefinitions
import WireMessages
import WireProtocol

/// Makes inputs that are right, or nearly so: what random bytes would not find in a lifetime.
package struct FuzzSeed {
    private var generator: SeededGenerator

    package init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// An input for `target`, or for any.
    package mutating func input(for target: FuzzTarget? = nil) -> [UInt8] {
        let target = target ?? FuzzTarget.allCases[below(FuzzTarget.allCases.count)]
        return [UInt8(target.rawValue)] + payload(target)
    }

    /// `input` with a few of its bytes changed, dropped, doubled or made extreme.
    package mutating func mutated(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0...below(4) where bytes.count > 1 {
            let at = 1 + below(bytes.count - 1)
            switch below(6) {
            case 0: bytes[at] ^= 1 << UInt8(below(8))
            case 1: bytes[at] = UInt8(truncatingIfNeeded: generator.next())
            case 2: bytes.removeSubrange(at..<min(at + 1 + below(8), bytes.count))
            case 3: bytes.insert(contentsOf: bytes[at..<min(at + 1 + below(16), bytes.count)], at: at)
            case 4:
                for index in at..<min(at + [1, 2, 4, 8][below(4)], bytes.count) {
                    bytes[index] = below(2) == 0 ? 0 : 255
                }
            default: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][below(5)]
            }
        }
        return bytes
    }

    private mutating func below(_ limit: Int) -> Int { Int(generator.next() % UInt64(limit)) }

    private mutating func payload(_ target: FuzzTarget) -> [UInt8] {
        switch target {
        case .request: request()
        case .message: message()
        case .metadataRecords: Pieces.joined((0..<1 + below(8)).map { _ in metadataRecord() })
        case .groupRecords: Pieces.joined((0..<1 + below(4)).flatMap { _ in groupRecord() })
        case .recordBatches: [UInt8(below(2))] + (0..<1 + below(2)).flatMap { batch(at: Int64($0)) }
        case .decompression: decompression()
        case .partitionLog: [UInt8(below(8)), UInt8(below(256))] + Pieces.joined(partitionFiles())
        case .directoryFiles: Pieces.joined(directoryFiles())
        case .producerSnapshot: [UInt8(below(2))] + ProducerSnapshot.encode(producers())
        case .metadataDirectory: [UInt8(below(4))] + Pieces.joined(metadataFiles())
        case .properties: Array(properties().utf8)
        case .fileNames: Array(name().utf8)
        case .adminRequests: Pieces.joined(adminRequests())
        }
    }

    // MARK: Messages

    private mutating func body(_ entry: MessageCatalog.Entry, _ version: Int) -> [UInt8] {
        let seed = generator.next()
        if below(3) == 0 {
            return DefinitionEncoder.encode(entry.message, of: entry.definition, version: version, seed: seed)
        }
        var values = WildValues(seed: seed)
        return DefinitionEncoder.encode(entry.message, of: entry.definition, version: version, values: &values)
    }

    private mutating func version(_ entry: MessageCatalog.Entry) -> Int {
        entry.definition.versions.lowerBound + below(entry.definition.versions.count)
    }

    private static let requests = MessageCatalog.requests.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }

    private mutating func request() -> [UInt8] {
        let (key, entry) = FuzzSeed.requests[below(FuzzSeed.requests.count)]
        let version = version(entry)
        var header: [UInt8] = [0, UInt8(key), 0, UInt8(version), 0, 0, 0, 1, 0, 1, 0x63]
        if entry.definition.firstFlexible.map({ version >= $0 }) ?? false { header.append(0) }
        return header + body(entry, version)
    }

    private mutating func message() -> [UInt8] {
        let index = below(MessageCatalog.all.count)
        let entry = MessageCatalog.all[index]
        guard let place = FuzzSeed.places[entry.message.name] else { return [] }
        let version = version(entry)
        let offset = version - entry.definition.versions.lowerBound
        return [UInt8(place >> 8), UInt8(place & 255), UInt8(offset)] + body(entry, version)
    }

    private static let places = Dictionary(
        uniqueKeysWithValues: WireCatalog.all.enumerated().map { ("\($0.element)", $0.offset) })

    // MARK: Records

    private static let metadataEntries: [(key: Int, entry: MessageCatalog.Entry)] = MessageCatalog.all.compactMap {
        guard case .metadata(let key) = $0.definition.kind else { return nil }
        return (key, $0)
    }

    private mutating func metadataRecord() -> [UInt8] {
        let (key, entry) = FuzzSeed.metadataEntries[below(FuzzSeed.metadataEntries.count)]
        let version = version(entry)
        return [1, UInt8(key), UInt8(version)] + body(entry, version)
    }

    private mutating func groupRecord() -> [[UInt8]?] {
        let names =
            below(2) == 0 ? ("OffsetCommitKey", "OffsetCommitValue", 1) : ("GroupMetadataKey", "GroupMetadataValue", 2)
        let parts = [names.0, names.1].map { name -> [UInt8]? in
            guard let entry = MessageCatalog.all.first(where: { $0.message.name == name }) else { return nil }
            let version = name == names.0 ? names.2 : version(entry)
            return [0, UInt8(version)] + body(entry, version)
        }
        return below(6) == 0 ? [parts[0], nil] : parts
    }

    // MARK: Batches

    private mutating func batch(at offset: Int64, codec: Compression? = nil) -> [UInt8] {
        let compression = codec ?? Compression.allCases[below(Compression.allCases.count)]
        let producer =
            below(2) == 0
            ? nil
            : BatchProducer(
                id: ProducerID(Int64(below(3))), epoch: ProducerEpoch(Int16(below(2))), baseSequence: Int32(below(4)))
        var builder = RecordBatchBuilder(
            compression: compression, baseOffset: Offset(offset), leaderEpoch: LeaderEpoch(Int32(below(3))),
            producer: producer, isTransactional: producer != nil && below(4) == 0)
        for index in 0..<1 + below(3) {
            let headers = below(3) == 0 ? [RecordHeader(key: "h", value: below(2) == 0 ? nil : Bytes([1]))] : []
            builder.append(
                timestamp: Timestamp(1_000 + Int64(index)), key: below(2) == 0 ? nil : Bytes([UInt8(index)]),
                value: Bytes([UInt8](repeating: 7, count: below(100))), headers: headers)
        }
        return builder.finish().array
    }

    private mutating func decompression() -> [UInt8] {
        let codec = Compression.allCases[below(Compression.allCases.count)]
        let content = Bytes((0..<below(2_000)).map { _ in UInt8(below(4)) })
        return [codec.rawValue] + codec.compress(content).array
    }

    // MARK: Directories

    private mutating func batches(_ count: Int, from start: Int64, compressed: Bool = true) -> [UInt8] {
        var all: [UInt8] = []
        var offset = start
        for _ in 0..<count {
            let next = batch(at: offset, codec: compressed ? nil : .uncompressed)
            offset &+= Int64(Bytes(next).bigEndian(Int32.self, at: RecordBatchHeader.Position.recordCount))
            all += next
        }
        return all
    }

    private mutating func partitionFiles() -> [[UInt8]?] {
        var files: [[UInt8]?] = [batches(1 + below(3), from: 0)]
        files += (0..<3).map { _ in below(2) == 0 ? nil : indexBytes() }
        files.append(below(2) == 0 ? nil : batches(1 + below(2), from: 2))
        files += (0..<2).map { _ in below(2) == 0 ? nil : indexBytes() }
        files.append(below(2) == 0 ? nil : ProducerSnapshot.encode(producers()))
        files.append(below(8) == 0 ? batches(1, from: .max) : nil)
        files.append(below(2) == 0 ? nil : Array("0\n1\n0 0\n".utf8))
        files.append(below(2) == 0 ? nil : Array("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ".utf8))
        files.append(below(2) == 0 ? nil : Array("0\n1\n2\n".utf8))
        return files
    }

    private mutating func indexBytes() -> [UInt8] {
        (0..<below(5) * 12).map { index in index % 4 == 3 ? UInt8(below(256)) : 0 }
    }

    private mutating func producers() -> ProducerStates {
        // Read from bytes, as a log makes them in no other way.
        var rest: [UInt8] = [0, 0, 0, 1] + (0..<46).map { _ in below(3) == 0 ? UInt8(below(256)) : 0 }
        rest[4] = 0
        let checksum = CRC32C.checksum(Bytes(rest).span)
        let head: [UInt8] = [0, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: checksum >> $0) }
        return ProducerSnapshot.decode(head + rest) ?? ProducerStates()
    }

    private mutating func directoryFiles() -> [[UInt8]?] {
        let votes = [
            #"{"leaderId":1,"leaderEpoch":3,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","#
                + #""data_version":1}"#,
            #"{"clusterId":"","leaderId":-1,"leaderEpoch":0,"votedId":2,"appliedOffset":0,"#
                + #""currentVoters":[{"voterId":1}],"data_version":0}"#,
        ]
        return [
            "version=1\ncluster.id=c\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n",
            "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ", votes[below(2)], #"{"version":0,"brokerEpoch":7}"#,
            "0\n2\na 0 1\nb 1 20\n",
        ].map { below(5) == 0 ? nil : Array($0.utf8) }
    }

    private mutating func metadataFiles() -> [[UInt8]?] {
        var records = RecordBatchBuilder(baseOffset: Offset(1), leaderEpoch: LeaderEpoch(1))
        for _ in 0...below(3) {
            records.append(timestamp: Timestamp(5), key: nil, value: Bytes(metadataRecord()))
        }
        let time = Timestamp(5)
        let header = RecordBatchBuilder.control(
            .snapshotHeader, value: SnapshotHeaderRecord().encoded(version: 0), timestamp: time,
            leaderEpoch: LeaderEpoch(1))
        let footer = RecordBatchBuilder.control(
            .snapshotFooter, value: SnapshotFooterRecord().encoded(version: 0), timestamp: time,
            baseOffset: Offset(1 + Int64(records.count)), leaderEpoch: LeaderEpoch(1))
        let snapshot = header.array + records.finish().array + footer.array
        let files: [[UInt8]?] = [
            batches(2, from: 0, compressed: false), directoryFiles()[2], Array("proven\n".utf8),
            Array("0\n1\n__cluster_metadata 0 1\n".utf8), snapshot, batches(1, from: 2, compressed: false), snapshot,
            Array("0\n1\n0 0\n".utf8),
        ]
        return files.map { below(3) == 0 ? nil : $0 }
    }

    // MARK: Texts

    private mutating func properties() -> String {
        let numbers = ["-1", "0", "1", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "x", ""]
        let texts = [
            "PLAINTEXT://:9092", "PLAINTEXT://[::1]:0,CONTROLLER://h:99999", "1@a:9093,2@[::1]:9094", "a:b:c", "//",
            ",",
            "\\u0041\\n\\", "broker", "controller", "broker,controller", "true", "PLAINTEXT:PLAINTEXT",
        ]
        let lines = (0..<below(12)).map { _ in
            let key = SettingTable.all[below(SettingTable.all.count)].name
            let value = below(2) == 0 ? numbers[below(numbers.count)] : texts[below(texts.count)]
            return key + ["=", ":", " "][below(3)] + value
        }
        return lines.joined(separator: below(5) == 0 ? "\\\n" : "\n")
    }

    private mutating func adminRequests() -> [[UInt8]] {
        let requests = [
            "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nHEAD /healthz?x=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "PUT /loggers/root HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ndebug",
            "GET /readyz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        ]
        var stream = (0...below(3)).flatMap { _ in Array(requests[below(requests.count)].utf8) }
        var pieces: [[UInt8]] = []
        while !stream.isEmpty {
            let count = min(1 + below(40), stream.count)
            pieces.append(Array(stream[..<count]))
            stream.removeFirst(count)
        }
        return pieces
    }

    private mutating func name() -> String {
        let topic = WildValues.texts[below(WildValues.texts.count)]
        switch below(5) {
        case 0: return "\(topic)-\(below(3))"
        case 1: return "\(topic)-0.\(String(repeating: "a", count: 32))-delete"
        case 2: return SegmentFileName.name(Offset(Int64(below(100))), .log)
        case 3: return SnapshotFileName(endOffset: Offset(5), epoch: LeaderEpoch(1)).description
        default: return topic
        }
    }
}
