import ClientCore
import MartletClient
import Primitives

/// Works out the offsets of a reset from what the cluster says of the logs.
struct ResetDesk {
    let admin: Admin
    let group: String

    /// The new offset of each partition.
    func targets(
        _ scenario: ResetScenario, of places: [TopicPartition]
    ) async throws -> [TopicPartition: Offset] {
        switch scenario {
        case .offset(let value):
            return try await withinLogs(Dictionary(uniqueKeysWithValues: places.map { ($0, value) }))
        case .earliest: return try await all(of: places, at: .earliest, "starting")
        case .latest: return try await all(of: places, at: .latest, "ending")
        case .time(let time): return try await offsets(of: places, since: time)
        case .shift(let distance):
            let committed = try await admin.committedPositions(of: group)
            var wanted: [TopicPartition: Int64] = [:]
            for place in places {
                guard let position = committed[place] else {
                    throw ToolFailure.usage(
                        "Cannot shift offset for partition \(place) since there is no current committed offset")
                }
                wanted[place] = ResetDesk.shifted(position.offset.value, by: distance)
            }
            return try await withinLogs(wanted)
        case .current:
            let committed = try await admin.committedPositions(of: group)
            let without = places.filter { committed[$0] == nil }
            var targets = try await all(of: without, at: .latest, "ending")
            for place in places { if let position = committed[place] { targets[place] = position.offset } }
            return targets
        case .plan: preconditionFailure("a plan names its own partitions")
        }
    }

    private static func shifted(_ offset: Int64, by distance: Int64) -> Int64 {
        let (sum, hasOverflown) = offset.addingReportingOverflow(distance)
        return hasOverflown ? (distance < 0 ? Int64.min : Int64.max) : sum
    }

    private func all(
        of places: [TopicPartition], at end: ListedTimestamp, _ what: String
    ) async throws -> [TopicPartition: Offset] {
        if places.isEmpty { return [:] }
        let offsets = try await admin.offsets(of: places, at: end)
        for place in places where offsets[place] == nil {
            throw ToolFailure.usage("Error getting \(what) offset of topic partition: \(place)")
        }
        return offsets
    }

    private func offsets(
        of places: [TopicPartition], since time: Timestamp
    ) async throws -> [TopicPartition: Offset] {
        var offsets = try await admin.offsets(of: places, at: .at(time))
        let without = places.filter { offsets[$0] == nil }
        for place in without {
            Console.complain(
                "\nWarn: Partition \(place.partition) from topic \(place.topic) is empty. Falling back to latest known "
                    + "offset.")
        }
        offsets.merge(try await all(of: without, at: .latest, "ending")) { found, _ in found }
        return offsets
    }

    /// The offsets brought within the logs, each with a warning where it was not.
    func withinLogs(_ wanted: [TopicPartition: Int64]) async throws -> [TopicPartition: Offset] {
        let places = wanted.keys.sorted()
        let starts = try await all(of: places, at: .earliest, "starting")
        let ends = try await all(of: places, at: .latest, "ending")
        var targets: [TopicPartition: Offset] = [:]
        for place in places {
            guard let offset = wanted[place], let start = starts[place], let end = ends[place] else { continue }
            if offset > end.value {
                ResetDesk.warn(offset, "higher than latest", place, end)
                targets[place] = end
            } else if offset < start.value {
                ResetDesk.warn(offset, "lower than earliest", place, start)
                targets[place] = start
            } else {
                targets[place] = Offset(offset)
            }
        }
        return targets
    }

    private static func warn(_ offset: Int64, _ how: String, _ place: TopicPartition, _ instead: Offset) {
        Console.complain(
            "WARN New offset (\(offset)) is \(how) offset for topic partition \(place). Value will be set to \(instead)"
        )
    }
}
