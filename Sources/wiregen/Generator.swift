import Foundation
import WireDefinitions

/// Turns a folder of definitions into Swift files.
struct Generator {
    /// Where the definitions are.
    let definitionsFolder: String

    /// All definitions, ordered by path.
    func definitions() throws -> [Definition] { try DefinitionFolder(definitionsFolder).definitions() }

    /// The content of every generated file, by its path below the folder of generated files.
    func files() throws -> [String: String] {
        let definitions = try definitions()
        var files = [
            "WireAPI+All.swift": TableWriter.apis(definitions), "WireCatalog.swift": TableWriter.catalog(definitions),
        ]
        for definition in definitions {
            let folder: String
            if case .api = definition.kind { folder = "APIs" } else { folder = "Records" }
            for message in definition.messages {
                files["\(folder)/\(message.name).swift"] = MessageWriter.source(of: message, in: definition)
                if case .api = definition.kind { continue }
                files["Fields/\(message.name)+Fields.swift"] = FieldsWriter.source(of: message, in: definition)
            }
        }
        return files
    }

    /// Makes `folder` hold exactly the generated files. Returns how many it had to change.
    func write(to folder: String) throws -> Int {
        let files = try files()
        let manager = FileManager.default
        var changed = 0
        for path in manager.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? []
        where path.hasSuffix(".swift") && files[path] == nil {
            try manager.removeItem(atPath: folder + "/" + path)
            changed += 1
        }
        for (path, text) in files {
            let full = URL(fileURLWithPath: folder + "/" + path)
            if (try? String(contentsOf: full, encoding: .utf8)) == text { continue }
            try manager.createDirectory(at: full.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: full, atomically: true, encoding: .utf8)
            changed += 1
        }
        return changed
    }
}
