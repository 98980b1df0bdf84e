package import ArgumentParser
import Histories

/// `martlet verify`: judges a history of what clients did and saw.
package struct VerifyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Judge a history of what clients did and saw.",
        discussion: """
            The history is a text file, - for standard input; docs/verification.md describes it. Exit code 0 where \
            nothing was found that must never be, 1 otherwise and where the history can't be read.
            """)

    @Argument(help: "The file with the history.") var history: String
    @Flag(help: "Print one JSON document.") var json = false

    package init() {}

    package func run() throws {
        let verdict: Verdict
        do throws(HistoryError) { verdict = try HistoryChecker.check(try HistoryFile.read(history)) } catch {
            throw ToolFailure("\(history): \(error)")
        }
        print(json ? VerdictJSON.document(verdict).description : verdict.description)
        if !verdict.isFine { throw ToolFailure.told() }
    }
}
