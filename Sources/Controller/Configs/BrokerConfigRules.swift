/// What a node knows of the settings of brokers; the controller itself knows those of topics.
package protocol BrokerConfigRules: Sendable {
    /// Whether the values of a key are lists, which can be extended and shortened.
    func isList(_ key: String) -> Bool

    /// Whether there is such a key.
    func isKnown(_ key: String) -> Bool

    /// The value in the properties, or the default; nil where there is none.
    func fixedValue(of key: String) -> String?

    /// Why a broker, or all brokers, can't have these settings made at run time; nil if they can.
    func refusal(of values: [String: String], isForOneBroker: Bool) -> Refusal?
}
