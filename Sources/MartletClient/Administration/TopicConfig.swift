/// One configuration of a topic as the cluster sees it.
package struct TopicConfig: Hashable, Sendable {
    package let name: String
    package let value: String?
    /// It comes from the built-in defaults.
    package let isDefault: Bool
    package let isSensitive: Bool
}
