import Foundation
import Testing
import WireMessages
import WireProtocol

@testable import wiregen

/// All definitions, each message with the generated type of its name.
enum Definitions {
    /// The root of the repository, found from the place of this file.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let generator = Generator(definitionsFolder: root + "/Sources/WireMessages/Definitions")

    struct Entry: Sendable, CustomTestStringConvertible {
        let definition: Definition
        let message: Message
        let type: any WireMessage.Type

        var testDescription: String { message.name }
    }

    static let all: [Entry] = {
        let types = Dictionary(uniqueKeysWithValues: WireCatalog.all.map { ("\($0)", $0) })
        return ((try? generator.definitions()) ?? []).flatMap { definition in
            definition.messages.compactMap { message in
                types[message.name].map { Entry(definition: definition, message: message, type: $0) }
            }
        }
    }()
}
