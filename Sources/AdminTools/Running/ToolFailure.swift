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

    /// The work failed.
    package init(_ description: String, on stream: Stream = .error) {
        self.description = description
        self.stream = stream
        showsOptions = false
    }

    private init(usage: String) {
        description = usage
        stream = .error
        showsOptions = true
    }

    /// The options make no sense; their table follows.
    package static func usage(_ text: String) -> ToolFailure { ToolFailure(usage: text) }

    /// An option that must be given is missing; as Kafka's tools say it.
    package static func missing(_ option: String) -> ToolFailure {
        .usage("Missing required argument \"[\(option)]\"")
    }

    /// Two options that exclude each other; as Kafka's tools say it.
    package static func exclusive(_ first: String, _ second: String) -> ToolFailure {
        .usage("Option \"[\(first)]\" can't be used with option \"[\(second)]\"")
    }
}
