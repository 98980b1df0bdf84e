import Foundation
import Testing

@testable import BrokerServer

@Suite struct ActingKeysTests {
    /// All sources of the server but the tables of keys.
    private static let sources: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources").standardized
        var text = ""
        for folder in ["BrokerServer", "martlet"] {
            let files = FileManager.default.enumerator(
                at: root.appending(path: folder), includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift", !file.lastPathComponent.hasPrefix("SettingTable") else { continue }
                text += (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            }
        }
        return text
    }()

    @Test("every key that claims to act is read by the code")
    func actingKeysAreRead() {
        // Built from the codec's name.
        let composed = ["compression.gzip.level", "compression.lz4.level", "compression.zstd.level"]
        for setting in SettingTable.acting where setting.effect == .acts && !composed.contains(setting.name) {
            #expect(Self.sources.contains("\"\(setting.name)\""), "\(setting.name) is read nowhere")
        }
    }
}
