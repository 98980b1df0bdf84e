package import ClientCore
package import MartletClient
package import Primitives

/// What `delete-records` reads and prints.
package enum RecordDeletions {
    /// The offsets of a JSON file; -1 stands for the end.
    package static func parse(_ content: [UInt8]) throws(ToolFailure) -> [TopicPartition: Offset] {
        let document: JSONValue
        do throws(JSONReader.Failure) { document = try JSONReader.parse(content) } catch {
            throw ToolFailure("The input string is not a valid JSON: \(error)")
        }
        if let version = document["version"], version != 1 {
            throw ToolFailure("Not supported version field value \(version)")
        }
        guard let entries = document["partitions"]?.array else { throw ToolFailure("Missing partitions field") }
        var wanted: [TopicPartition: Offset] = [:]
        var repeated: [TopicPartition] = []
        for entry in entries {
            guard let topic = entry["topic"]?.text,
                let partition = entry["partition"]?.integer.flatMap(Int32.init(exactly:)), partition >= 0,
                let offset = entry["offset"]?.integer, offset >= -1
            else { throw ToolFailure("No partition with topic, partition and offset: \(entry)") }
            let place = TopicPartition(topic, PartitionIndex(partition))
            if wanted.updateValue(Offset(offset), forKey: place) != nil { repeated.append(place) }
        }
        guard repeated.isEmpty else {
            let places = repeated.map { "\($0.topic)-\($0.partition)" }.joined(separator: ",")
            throw ToolFailure("Offset json file contains duplicate topic partitions: \(places)")
        }
        return wanted
    }

    /// One line for each partition, sorted.
    package static func lines(_ results: [TopicPartition: Result<Offset, ClientError>]) -> [String] {
        results.sorted { $0.key < $1.key }.map { place, result in
            switch result {
            case .success(let mark): "partition: \(place.topic)-\(place.partition)\tlow_watermark: \(mark)"
            case .failure(let error): "partition: \(place.topic)-\(place.partition)\terror: \(ExceptionText.of(error))"
            }
        }
    }

    /// One object for each partition, sorted.
    package static func json(_ results: [TopicPartition: Result<Offset, ClientError>]) -> JSONValue {
        .array(
            results.sorted { $0.key < $1.key }.map { place, result in
                var mark: JSONValue = .null
                var failure: JSONValue = .null
                switch result {
                case .success(let offset): mark = .integer(offset.value)
                case .failure(let error): failure = .text(error.description)
                }
                return [
                    "topic": .text(place.topic), "partition": .integer(Int64(place.partition.value)),
                    "lowWatermark": mark, "error": failure,
                ]
            })
    }
}
