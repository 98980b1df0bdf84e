import ClientCore
import LocalCluster
import MartletClient
import Primitives
import World

/// Topics that change while nodes die.
extension ChaosRow {
    private static let moveMillisecondsMax: Int64 = 60_000
    private static let killMilliseconds: Int64 = 2_000
    private static let oldRecords = 300
    private static let newRecords = 20

    static let topicRows: [ChaosRow] = [
        ChaosRow(
            id: "F29",
            fault: "move all partitions to other nodes while a source, a target and the controller die in turn",
            promise: "the move ends; no replica stays behind", nodeCount: 4
        ) { stage, _ in try await moved(stage) },
        ChaosRow(
            id: "F30", fault: "delete a topic and make it again while a node is down",
            promise: "old records never appear in the new one"
        ) { stage, round in try await madeAgain(stage, round) },
    ]

    private static func moved(_ stage: ChaosStage) async throws {
        let places = stage.topic.partitions.map { TopicPartition(stage.topic.name, PartitionIndex($0)) }
        for victimIsController in [false, true] {
            var targets: [TopicPartition: [BrokerID]?] = [:]
            for place in places {
                guard let found = stage.admin.cluster.view.partition(place) else { continue }
                targets[place] = found.replicas.map { BrokerID(($0.value % Int32(stage.nodes.count)) + 1) }
            }
            stage.beginFault("move every replica to the next node")
            let refused = try await stage.admin.reassign(targets)
            for (place, error) in refused { stage.problem("\(place) is not moved: \(error)") }
            let victim = victimIsController ? try await stage.controller() : try await stage.leader(of: 0)
            try await stage.kill(victim)
            await stage.pass(killMilliseconds)
            try stage.start(victim)
            let end = stage.clock.now.advanced(byMilliseconds: moveMillisecondsMax)
            while !(try await stage.admin.reassignments(of: places).isEmpty) {
                guard stage.clock.now < end else { throw ChaosError("the move does not end") }
                await stage.pass(200)
            }
            stage.note("the move has ended")
            _ = try await stage.admin.cluster.refresh(topics: [stage.topic.name])
            try await stage.awaitHealed()
        }
        for node in stage.nodes {
            let kept = try stage.disk(node).files { $0.hasSuffix(".log") }.map(\.path)
            for place in places {
                let folder = "/" + stage.topic.key(place.partition.value) + "/"
                let isReplica =
                    stage.admin.cluster.view.partition(place)?.replicas.contains(BrokerID(Int32(node))) ?? false
                if !isReplica, kept.contains(where: { $0.contains(folder) }) {
                    stage.problem("node \(node) keeps files of \(place), which it has no replica of")
                }
            }
        }
    }

    private static func madeAgain(_ stage: ChaosStage, _ round: Int) async throws {
        let name = "again-\(round)"
        let replicas = Int16(stage.processes.plan.replicationFactor)
        try await stage.admin.createTopic(name, partitions: 1, replicationFactor: replicas)
        try await fill(stage, name, oldRecords, "old")
        let place = TopicPartition(name, PartitionIndex(0))
        let victim = stage.admin.cluster.view.partition(place)?.replicas.first.map { Int($0.value) } ?? 1
        try await stage.kill(victim)
        try await stage.admin.deleteTopic(name)
        stage.note("deleted \(name)")
        try await stage.admin.createTopic(name, partitions: 1, replicationFactor: replicas)
        stage.note("made \(name) again")
        try await fill(stage, name, newRecords, "new")
        try stage.start(victim)
        try await stage.awaitHealed()
        await stage.pass(killMilliseconds)
        _ = try? await stage.admin.electLeaders(.preferred, of: [place])
        let values = try await records(stage, name)
        let strange = values.filter { !$0.hasPrefix("new") }
        if !strange.isEmpty { stage.problem("\(strange.count) old records in the new topic: \(strange[0])") }
        if values.count != newRecords { stage.problem("\(values.count) of \(newRecords) records in the new topic") }
    }

    private static func fill(_ stage: ChaosStage, _ topic: String, _ count: Int, _ text: String) async throws {
        let producer = try Producer(stage.admin.cluster.configuration, ProducerOptions())
        for number in 0..<count {
            let value = Array("\(text) \(number)".utf8)
            _ = try await producer.send(ProducerRecord(topic: topic, value: value, partition: 0))
        }
        await producer.close()
        stage.note("\(count) records are acknowledged in \(topic)")
    }

    private static func records(_ stage: ChaosStage, _ topic: String) async throws -> [String] {
        var options = ConsumerOptions()
        options.start = .earliest
        options.commitsAutomatically = false
        let consumer = try Consumer(stage.admin.cluster.configuration, topics: [topic], options)
        var values: [String] = []
        let end = stage.clock.now.advanced(byMilliseconds: moveMillisecondsMax / 4)
        while values.count < newRecords, stage.clock.now < end {
            for record in try await consumer.poll(recordsMax: 500, timeoutMilliseconds: 500) {
                values.append(String(decoding: record.value ?? [], as: UTF8.self))
            }
        }
        await consumer.close()
        return values
    }
}
