import Metadata
import Primitives

extension ClusterTruth {
    /// A byte of a log is another from now on.
    func rotted(_ number: Int, _ path: String, _ position: Int) {
        let parent = VirtualNames.parent(path)
        guard let bytes = machines[number - 1].files.look(into: path), position < bytes.count else { return }
        let rot = ReplicaTruth.Rot(path: path, position: position, value: bytes[position])
        change(number, at: parent) { $0.rot = rot }
    }

    /// Whether a rotten log is neither mended nor made anew.
    var isAnyRotten: Bool { rotten != nil }

    /// A partition and a machine whose log of it is rotten.
    var rotten: (name: String, node: Int)? {
        for id in partitionIDs {
            guard let partition = partitions[id], let registration = partition.registration else { continue }
            // A replica that was moved away is nobody's any more.
            let present = partition.numbers.filter { registration.replicas.contains(BrokerID(Int32($0))) }
            let found = present.first { partition.replicas[$0]?.rot != nil }
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
