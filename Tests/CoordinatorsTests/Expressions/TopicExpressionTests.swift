import Coordinators
import Testing

@Suite("Expressions over topic names") struct TopicExpressionTests {
    @Test(
        "whole names match, as in RE2",
        arguments: [
            ("", [""], ["a"]), ("abc", ["abc"], ["ab", "abcd", "xabc"]), ("a.c", ["abc", "a.c"], ["ac", "abbc"]),
            ("a|bc|", ["a", "bc", ""], ["ab"]), ("(ab)*", ["", "ab", "abab"], ["aba"]),
            ("a+b?", ["a", "aab"], ["b", "abb"]), ("a{2,3}", ["aa", "aaa"], ["a", "aaaa"]),
            ("a{2}", ["aa"], ["a", "aaa"]), ("a{1,}", ["a", "aaaa"], [""]), ("a{,2}", ["a{,2}"], ["aa"]),
            ("a*?", ["", "aa"], ["b"]), ("[a-c_]+", ["abc_"], ["d"]), ("[^a-c]", ["d", "-"], ["a", "dd"]),
            ("[]a]+", ["]a"], ["b"]), ("[a\\-z]+", ["a-z"], ["b"]), ("[a-]", ["a", "-"], ["b"]),
            ("\\d\\D\\w\\W", ["1a_."], ["11__"]), ("[\\d.]+", ["1.2"], ["a"]), ("[[:alpha:]]+", ["aZ"], ["1"]),
            ("[[:^digit:]]", ["a"], ["1"]), ("\\pN\\p{Lu}\\P{L}", ["1A-"], ["1a-"]), ("\\p{Greek}", [], ["a"]),
            ("^orders$", ["orders"], ["orders1"]), ("\\Aa\\z", ["a"], ["b"]), ("a\\b-\\bb", ["a-b"], ["ab"]),
            ("a\\Bb", ["ab"], ["a-b"]), ("(?i)ab(?-i)C", ["abC", "ABC"], ["abc"]), ("(?i:a)b", ["Ab"], ["AB"]),
            ("(?P<name>a)(?<other>b)", ["ab"], ["a"]), ("\\Qa.b\\E.", ["a.bc"], ["aabc"]),
            ("\\x41\\x{42}\\103", ["ABC"], ["ABc"]), ("é|a", ["a"], ["e"]), ("a\\.b\\_c", ["a.b_c"], ["aXb_c"]),
            ("(?i)K\u{212A}", ["kk", "KK"], ["k"]), ("(?:a|b)c", ["ac", "bc"], ["c"]),
            ("x(?i)y|z", ["xY", "Z"], ["X"]),
        ] as [(String, [String], [String])])
    func matching(_ pattern: String, _ matching: [String], _ others: [String]) throws {
        let expression = try TopicExpression(pattern)
        for name in matching { #expect(expression.matches(name), "\(pattern) describes \(name)") }
        for name in others { #expect(!expression.matches(name), "\(pattern) does not describe \(name)") }
    }

    @Test(
        "what can't be read is refused, with the place",
        arguments: [
            ("a(b", "missing ) at character 2"), ("ab)", "unexpected ) at character 3"),
            ("[a", "missing ] at character 1"), ("*a", "missing argument to repetition operator * at character 1"),
            ("a**", "invalid nested repetition operator at character 3"),
            ("a{2}{3}", "invalid nested repetition operator at character 5"),
            ("a{1001}", "invalid repetition count at character 2"),
            ("a{3,2}", "invalid repetition count at character 2"),
            ("[z-a]", "invalid character class range at character 2"), ("a\\", "trailing \\ at character 2"),
            ("\\1", "references back are not supported: \\1 at character 1"),
            ("(?=a)", "invalid or unsupported group syntax at character 1"),
            ("(?<=a)", "looking around is not supported at character 1"),
            ("\\y", "invalid escape sequence \\y at character 1"),
            ("\\p{Klingon}", "invalid character class at character 1"),
            ("[[:foo:]]", "invalid character class at character 2"),
            ("(a{1000}){1000}", "the pattern is too large at character 16"),
            ("\\x{110000}", "invalid escape sequence \\x at character 1"),
        ])
    func mistakes(_ pattern: String, _ message: String) {
        do {
            _ = try TopicExpression(pattern)
            Issue.record("\(pattern) is read")
        } catch {
            #expect("\(error)" == message)
        }
    }

    @Test("nesting and length have bounds")
    func bounds() {
        let deep = String(repeating: "(", count: 10_000)
        #expect(throws: TopicExpression.Mistake.self) { try TopicExpression(deep) }
        let long = String(repeating: "a", count: TopicExpression.charactersMax + 1)
        #expect(throws: TopicExpression.Mistake.self) { try TopicExpression(long) }
    }

    @Test("counts that multiply what takes nothing do not keep the compiler")
    func emptyRepetitions() throws {
        let pattern = String(repeating: "(", count: 20) + "(a{0}){1000}" + String(repeating: "){1000}", count: 20)
        #expect(try TopicExpression(pattern).matches(""))
    }

    @Test(
        "patterns that ruin a backtracking matcher take linear time",
        arguments: ["(a*)*b", "(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)(.*)b", "(x+x+)+y", "(((a*)*)*)*b"])
    func pathological(_ pattern: String) throws {
        let name = String(repeating: "a", count: 249)
        let expression = try TopicExpression(pattern)
        #expect(!expression.matches(name))
        #expect(try TopicExpression("(a?){100}a{100}").matches(String(repeating: "a", count: 100)))
    }
}
