package import Controller
import Primitives

/// Which settings of brokers can be made at run time, and with what values.
package struct BrokerConfigCheck: BrokerConfigRules {
    /// Those of the node that checks: what a list begins with.
    private let fixed: Settings

    package init(_ fixed: Settings) { self.fixed = fixed }

    package func isList(_ key: String) -> Bool {
        guard case .list = SettingTable.byName[key]?.kind else { return false }
        return true
    }

    package func isKnown(_ key: String) -> Bool { SettingTable.byName[StartupVerdict.base(of: key)] != nil }

    package func fixedValue(of key: String) -> String? {
        SettingTable.byName[key] == nil ? nil : fixed.optionalString(key)
    }

    package func refusal(of values: [String: String], isForOneBroker: Bool) -> Refusal? {
        let keys = values.keys.sorted()
        let settings = keys.compactMap { SettingTable.byName[StartupVerdict.base(of: $0)] }
        if let key = keys.first(where: { !isKnown($0) }) {
            return Refusal(.invalidRequest, "Unknown broker config name: \(key)")
        }
        let fixed = settings.filter { $0.change == .readOnly }.map(\.name)
        if !fixed.isEmpty {
            return Refusal(
                .invalidRequest,
                "Cannot update these configs dynamically: Set(\(fixed.joined(separator: ", ")))"
                    + SettingTable.adviceOnRestart(fixed))
        }
        for key in keys {
            if let complaint = BrokerConfigCheck.complaint(
                about: key, values[key] ?? "", isForOneBroker: isForOneBroker)
            {
                return Refusal(.invalidRequest, complaint)
            }
        }
        return nil
    }

    /// What is wrong with one setting, for one broker or for all; nil if it is right.
    static func complaint(about key: String, _ value: String, isForOneBroker: Bool) -> String? {
        guard let setting = SettingTable.setting(for: key) else { return "Unknown broker config name: \(key)" }
        switch (setting.change, isForOneBroker) {
        case (.readOnly, _):
            return "Cannot update these configs dynamically: Set(\(key))" + SettingTable.adviceOnRestart([setting.name])
        case (.perBroker, false):
            return "Cannot update these configs at default cluster level, broker id must be specified: Set(\(key))"
        case (.clusterOnly, true): return "\(key) holds for the whole cluster and cannot be set for one broker"
        default: return setting.complaint(about: value)
        }
    }
}
