import Testing

@testable import BrokerServer

@Suite("Text from outside")
struct OutsideTextTests {
    @Test("What can't be seen is written out: line ends, escapes, marks of direction")
    func escapes() {
        let shown = OutsideText.shown("a\r\n\u{1B}[2J\u{202E}\u{85}\u{2028}é€", charactersMax: 256, escapes: .controls)
        #expect(shown == "a\\u000d\\u000a\\u001b[2J\\u202e\\u0085\\u2028é€")
    }

    @Test("Quotes and backslashes only where asked for")
    func escapesQuotes() {
        #expect(OutsideText.shown(#"a"b\"#, charactersMax: 9, escapes: .controls) == #"a"b\"#)
        #expect(OutsideText.shown(#"a"b\"#, charactersMax: 9, escapes: .controlsAndQuotes) == #"a\"b\\"#)
    }

    @Test("Long text is cut, by characters and not within one")
    func cuts() {
        #expect(OutsideText.shown("abcdef", charactersMax: 6, escapes: .controls) == "abcdef")
        #expect(OutsideText.shown("abcdefg", charactersMax: 6, escapes: .controls) == "abcdef…")
        #expect(OutsideText.shown("äöüäöü", charactersMax: 6, escapes: .controls) == "äöüäöü")
        let megabyte = String(repeating: "\u{1}", count: 1 << 20)
        #expect(OutsideText.shown(megabyte, charactersMax: 256, escapes: .controls).utf8.count <= 256 * 6 + 3)
    }
}
