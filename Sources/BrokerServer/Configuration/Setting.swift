/// One key of the configuration that acts: its type, its default, what it does.
package struct Setting: Hashable, Sendable {
    /// What a value must look like.
    package enum Kind: Hashable, Sendable {
        case string
        case boolean
        case integer(ClosedRange<Int64>)
        case list
    }

    package let name: String
    package let kind: Kind
    /// The value when the key is not given; nil where there is none.
    package let defaultValue: String?
    /// One sentence for `docs/configuration.md` and DescribeConfigs.
    package let meaning: String

    package init(_ name: String, _ kind: Kind, _ defaultValue: String?, _ meaning: String) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.meaning = meaning
    }
}

/// A value or combination of values that a node can't start with; the text names the key and the remedy.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
