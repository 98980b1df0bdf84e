import ClientCore
import LocalCluster
import MartletClient
import Primitives

/// Damage to what a node has on its disk, done while the node is down.
extension ChaosRow {
    private static let workMilliseconds: Int64 = 6_000

    /// Large records, so that segments are closed within seconds.
    private static var bulkTopic: LoadTopic {
        var topic = LoadTopic()
        topic.partitionCount = 3
        topic.recordBytes = 2_000
        topic.configs = ["segment.bytes=1048576"]
        return topic
    }

    static let diskRows: [ChaosRow] = [
        ChaosRow(
            id: "F16", fault: "flip one bit in a closed segment of a node; later make it a leader",
            promise: "never served; repaired from another replica", topic: bulkTopic
        ) { stage, round in
            // In even rounds the damaged node was the leader, in odd ones a follower.
            let leader = try await stage.leader(of: 0)
            let victim = round % 2 == 0 ? leader : stage.nodes.first { $0 != leader } ?? leader
            await stage.pass(workMilliseconds)
            try await stage.stop(victim)
            try stage.disk(victim).flipBit(of: 0, stage)
            try stage.start(victim)
            try await stage.awaitHealed()
            try await stage.electPreferredLeaders()
            stage.note("node \(try await stage.leader(of: 0)) leads \(stage.topic.key(0))")
        },
        ChaosRow(
            id: "F19", fault: "kill -9 a node, cut the end of its logs off: some bytes, half a segment, all",
            promise: "it leads nothing before it has caught up; nothing is lost"
        ) { stage, round in
            let victim = try await stage.leader(of: 0)
            await stage.pass(workMilliseconds)
            try await stage.kill(victim)
            for partition in stage.topic.partitions {
                try stage.disk(victim).cut(partition, [.bytes(17), .half, .all][round % 3], stage)
            }
            try stage.start(victim)
        },
        ChaosRow(
            id: "F21", fault: "kill -9 a node and wipe its whole data directory",
            promise: "it joins as an empty one; nobody truncates because of it"
        ) { stage, _ in
            let victim = try await stage.leader(of: 0)
            try await stage.kill(victim)
            await stage.pass(workMilliseconds)
            try stage.disk(victim).wipe(nil, stage)
            try stage.start(victim)
        },
    ]
}

extension ChaosStage {
    /// Gives each partition its first replica as its leader.
    func electPreferredLeaders() async throws {
        let places = topic.partitions.map { TopicPartition(topic.name, PartitionIndex($0)) }
        _ = try await admin.electLeaders(.preferred, of: places)
        try await awaitHealed()
    }

    func disk(_ node: Int) -> NodeDisk { NodeDisk(node: node, folder: processes.directory.dataDirectory(node)) }
}
