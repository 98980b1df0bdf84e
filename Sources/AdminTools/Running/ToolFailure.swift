/// Why a tool ends without having done its work; carries the exit code and where the text goes.
package struct ToolFailure: Error, Hashable, CustomStringConvertible {
    /// Which of the two outputs the text goes to.
    package enum Stream: Hashable, Sendable {
        case output
        case error
    }

    package let description: String
    package let stream: Stream
    /// The options of the tool follow the text.
    package let showsOptions: Bool
    /// What the process ends with.
    package let exitCode: Int32

    /// The work failed.
    package init(_ description: String, on stream: Stream = .error) {
        self.init(description, stream, showsOptions: false, exitCode: 1)
    }

    private init(_ description: String, _ stream: Stream, showsOptions: Bool, exitCode: Int32) {
        self.description = description
        self.stream = stream
        self.showsOptions = showsOptions
        self.exitCode = exitCode
    }

    /// All has been said; only the exit code is left.
    package static func told(exitCode: Int32 = 1) -> ToolFailure {
        ToolFailure("", .error, showsOptions: false, exitCode: exitCode)
    }

    /// The options make no sense; their table follows.
    package static func usage(_ text: String) -> ToolFailure {
        ToolFailure(text, .error, showsOptions: true, exitCode: 1)
    }

    /// An option that must be given is missing; as Kafka's tools say it.
    package static func missing(_ option: String) -> ToolFailure {
        .usage("Missing required argument \"[\(option)]\"")
    }

    /// Two options that exclude each other; as Kafka's tools say it.
    package static func exclusive(_ first: String, _ second: String) -> ToolFailure {
        .usage("Option \"[\(first)]\" can't be used with option \"[\(second)]\"")
    }
}
