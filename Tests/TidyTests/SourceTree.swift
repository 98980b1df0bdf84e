import Foundation

/// One Swift file of the repository, with its text and its text without comments and string contents.
struct SourceFile: Sendable {
    /// Relative to the repository.
    let path: String
    /// The module or test target: the folder below `Sources` or `Tests`.
    let module: String
    let lines: [String]
    /// As many lines as `lines`; comments and what stands inside string literals are blank.
    let bareLines: [String]

    var name: String { String(path.split(separator: "/").last!.dropLast(".swift".count)) }
    var isGenerated: Bool { path.contains("/Generated/") }
    var isInSources: Bool { path.hasPrefix("Sources/") }
}

/// The files of the repository that the rules of tidiness look at.
enum SourceTree {
    /// The root of the repository, found from the place of this file.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Every Swift file below `Sources` and `Tests`, sorted by path.
    static let files: [SourceFile] = ["Sources", "Tests"].flatMap(files(below:)).sorted { $0.path < $1.path }

    /// The text of a file by its path from the root; nil if it is not there.
    static func text(_ path: String) -> String? {
        try? String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    private static func files(below folder: String) -> [SourceFile] {
        guard let walk = FileManager.default.enumerator(atPath: root + "/" + folder) else { return [] }
        return walk.compactMap { entry in
            guard let entry = entry as? String, entry.hasSuffix(".swift"), let content = text(folder + "/" + entry)
            else { return nil }
            let module = String(entry.split(separator: "/").first!)
            return SourceFile(
                path: folder + "/" + entry, module: module, lines: splitLines(content),
                bareLines: splitLines(BareText.of(content)))
        }
    }

    private static func splitLines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
