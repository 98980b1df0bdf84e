import Metadata
import Primitives

extension ClusterTruth {
    /// A byte of a log is another from now on.
    func rotted(_ number: Int, _ path: String, _ position: Int) {
        let parent = VirtualNames.parent(path)
        guard let bytes = machines[number - 1].files.look(into: path), position < bytes.count else { return }
        var rot = ReplicaTruth.Rot(path: path, position: position, value: bytes[position])
        rot.isPlausible = ClusterTruth.isEpochBetweenOthers(at: position, in: bytes)
        change(number, at: parent) { $0.rot = rot }
    }

    /// Whether a byte is of a leader epoch that stands in order among those around it. No checksum covers epochs, and
    /// who has to read a log anew after a crash learns from it alone where they begin.
    static func isEpochBetweenOthers(at position: Int, in bytes: [UInt8]) -> Bool {
        var epochs: [Int32] = []
        var found: Int?
        var start = 0
        while start + 17 <= bytes.count {
            let fields = bytes[start + 8..<start + 16].map { Int32($0) }
            let size = fields[0] << 24 | fields[1] << 16 | fields[2] << 8 | fields[3]
            if (start + 12..<start + 16).contains(position) { found = epochs.count }
            epochs.append(fields[4] << 24 | fields[5] << 16 | fields[6] << 8 | fields[7])
            guard size > 0 else { break }
            start += 12 + Int(size)
        }
        guard let found else { return false }
        let before = found > 0 ? epochs[found - 1] : 0
        let after = found + 1 < epochs.count ? epochs[found + 1] : .max
        return (before...max(before, after)).contains(epochs[found])
    }

    /// Whether a rotten log is neither mended nor made anew.
    var isAnyRotten: Bool { rotten != nil }

    /// A partition and a machine whose log of it is rotten.
    var rotten: (name: String, node: Int)? {
        for id in partitionIDs {
            guard let partition = partitions[id], let registration = partition.registration else { continue }
            // A replica that was moved away is nobody's any more.
            let present = partition.numbers.filter { registration.replicas.contains(BrokerID(Int32($0))) }
            let found = present.first { partition.replicas[$0]?.rot.map { !$0.isPlausible } ?? false }
            if let found { return (partition.name, found) }
        }
        return nil
    }

    /// Where a machine has the replicas that it has, or those that it leads.
    func directories(of number: Int, led isOfLeader: Bool = false) -> Set<String> {
        Set(
            partitionIDs.compactMap { id in
                guard let registration = partitions[id]?.registration,
                    !isOfLeader || registration.leader == BrokerID(Int32(number))
                else { return nil }
                return partitions[id]?.replicas[number]?.disk.directory
            })
    }
}
