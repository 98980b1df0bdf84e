package import Primitives
package import World

/// `.kafka_cleanshutdown`: the last that a clean stop writes into a log directory, the first that a start removes.
package enum CleanShutdownFile {
    package static let fileName = ".kafka_cleanshutdown"

    /// What the file says about the last stop.
    package enum Found: Hashable, Sendable {
        /// Not there: the stop was unclean (rule 17).
        case unclean
        /// There, and says nothing that could be read: taken for unclean.
        case damaged
        /// Nil where it does not tell which life of the broker it ended.
        case clean(BrokerEpoch?)
    }

    /// Writes the file durably, after every log of the directory was closed; blocks.
    package static func write(
        _ brokerEpoch: BrokerEpoch, in directory: String, _ files: any FileStore
    ) throws(FileError) {
        let members = [
            FlatJSON.Member(name: "version", value: .integer(0)),
            FlatJSON.Member(name: "brokerEpoch", value: .integer(brokerEpoch.value)),
        ]
        try files.replace(directory + "/" + fileName, with: Array(FlatJSON.object(members).text.utf8))
    }

    /// Reads the file and removes it durably, so that a crash from now on is seen as one; blocks.
    package static func take(in directory: String, _ files: any FileStore) throws(FileError) -> Found {
        let path = directory + "/" + fileName
        guard files.exists(path) else { return .unclean }
        let content = try files.readAll(path)
        try files.remove(path)
        try files.synchronizeDirectory(directory)
        // Kafka before 3.7 leaves an empty file.
        if content.isEmpty { return .clean(nil) }
        guard let json = FlatJSON(content), json["version"]?.integer == 0, let epoch = json["brokerEpoch"]?.integer
        else { return .damaged }
        return .clean(BrokerEpoch(epoch))
    }
}
