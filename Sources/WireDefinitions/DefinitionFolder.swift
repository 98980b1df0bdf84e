import Foundation

/// A folder of definitions, with one file for each API and each record.
package struct DefinitionFolder {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// All definitions, ordered by path.
    package func definitions() throws -> [Definition] {
        let paths = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".wire") }.sorted().map { name in
            let text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
            return try DefinitionParser.parse(path: name, text: text)
        }
    }
}
