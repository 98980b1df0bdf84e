import AdminTools
import ArgumentParser
import Glibc

/// `martlet container link`: gives this program Kafka's tool names in some directories, with and without `.sh`.
struct ContainerLinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link", abstract: "Make links with the names of Kafka's tools to this program.")

    @Option(help: "What the links lead to.")
    var target: String

    @Argument(help: "Where the links are made.")
    var directories: [String]

    func run() throws {
        for directory in directories {
            for name in KafkaArguments.programs.keys.sorted() {
                for path in ["\(directory)/\(name)", "\(directory)/\(name).sh"] {
                    guard unsafe symlink(target, path) == 0 || errno == EEXIST else {
                        let reason = unsafe String(cString: strerror(errno))
                        throw ToolFailure("\(path) can't be made: \(reason)")
                    }
                }
            }
        }
    }
}
