import ClientCore
import Primitives

/// The partitions in a file: `{"partitions": [{"topic": "foo", "partition": 1}]}`.
enum ElectionFile {
    /// - Errors: a document of another form; a partition that is named twice.
    static func places(in document: JSONValue) throws(ToolFailure) -> [TopicPartition] {
        guard let list = document["partitions"]?.array else {
            throw ToolFailure("Replica election data is missing \"partitions\" field")
        }
        var places: [TopicPartition] = []
        var twice: [TopicPartition] = []
        for entry in list {
            guard let topic = entry["topic"]?.text, let index = entry["partition"]?.integer,
                let partition = Int32(exactly: index)
            else { throw ToolFailure("Expected an entry with \"topic\" and \"partition\" but found \(entry)") }
            let place = TopicPartition(topic, PartitionIndex(partition))
            if places.contains(place), !twice.contains(place) { twice.append(place) }
            places.append(place)
        }
        guard twice.isEmpty else {
            let names = twice.sorted().map(\.description).joined(separator: ", ")
            throw ToolFailure("Replica election data contains duplicate partitions: [\(names)]")
        }
        return places.sorted()
    }
}
