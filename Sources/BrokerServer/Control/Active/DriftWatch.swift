import Controller
import Logging
import Metadata
import Primitives

/// Tells, once for each difference, which brokers are configured differently; as long as this node is the active
/// controller.
struct DriftWatch {
    private let log: Logger
    private var told: Set<SettingDrift> = []

    init(log: Logger) { self.log = log }

    /// Looks at what the controller knows of its brokers now.
    mutating func look(_ controller: ClusterController) {
        let drifts = controller.settingDrifts()
        for drift in drifts where told.insert(drift).inserted {
            let values = drift.shares.map { share in
                let value = share.value ?? SharedSettings.defaultValue(drift.key) ?? "default"
                return "\(value) on \(share.brokers.map(\.description).joined(separator: ","))"
            }
            var fields: Logger.Metadata = [
                "key": "\(drift.key)", "values": "\(values.joined(separator: "; "))",
            ]
            if let acting = drift.overriddenBy { fields["acting"] = "\(acting)" }
            log.warning("nodes are configured differently", metadata: fields)
        }
    }

    /// The next time that this node is active it tells anew.
    mutating func forget() { told = [] }
}
