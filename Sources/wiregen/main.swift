import Foundation

// `swift run wiregen`, at the top of the repository: brings Sources/WireMessages/Generated up to date.
do {
    let generator = Generator(definitionsFolder: "Sources/WireMessages/Definitions")
    let changed = try generator.write(to: "Sources/WireMessages/Generated")
    print("\(changed) generated files changed")
} catch {
    FileHandle.standardError.write(Data("wiregen: \(error)\n".utf8))
    exit(1)
}
