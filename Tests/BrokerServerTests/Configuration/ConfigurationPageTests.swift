import Foundation
import Testing

@testable import BrokerServer

@Suite struct ConfigurationPageTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../../docs/configuration.md")

    @Test("docs/configuration.md is what the table says")
    func pageIsFresh() throws {
        if ProcessInfo.processInfo.environment["REWRITE_DOCS"] != nil {
            try ConfigurationPage.text.write(to: Self.page, atomically: true, encoding: .utf8)
            Issue.record("docs/configuration.md was written anew: look at it and run again")
        }
        #expect(try String(contentsOf: Self.page, encoding: .utf8) == ConfigurationPage.text)
    }
}
