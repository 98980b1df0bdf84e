import Foundation
package import WireDefinitions
import WireMessages
package import WireProtocol

/// All definitions, each message with the generated type of its name.
package enum MessageCatalog {
    /// The root of the repository, found from the place of this file.
    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    package static let definitionsFolder = root + "/Sources/WireMessages/Definitions"

    package struct Entry: Sendable, CustomStringConvertible {
        package let definition: Definition
        package let message: Message
        package let type: any WireMessage.Type

        package var description: String { message.name }
    }

    package static let all: [Entry] = {
        let types = Dictionary(uniqueKeysWithValues: WireCatalog.all.map { ("\($0)", $0) })
        return ((try? DefinitionFolder(definitionsFolder).definitions()) ?? []).flatMap { definition in
            definition.messages.compactMap { message in
                types[message.name].map { Entry(definition: definition, message: message, type: $0) }
            }
        }
    }()

    /// The requests, by API key.
    package static let requests: [Int: Entry] = {
        var found: [Int: Entry] = [:]
        for entry in all where entry.message.isRequest {
            if case .api(let key, _) = entry.definition.kind { found[key] = entry }
        }
        return found
    }()
}
