package import Logging
package import Metadata
package import Primitives
import Synchronization

/// The settings in force: those of the properties, below what is set at run time for all brokers, below what is set
/// for this one.
///
/// Fed by the metadata image. Whoever needs a limit now and then asks `current`; whoever keeps something that was made
/// of a setting subscribes.
package final class DynamicSettings: MetadataSubscriber, Sendable {
    private struct State {
        var current: Settings
        var readers: [@Sendable (Settings) -> Void] = []
    }

    /// Those of the properties.
    package let fixed: Settings
    private let node: BrokerID
    private let log: Logger
    private let state: Mutex<State>

    package init(_ fixed: Settings, node: BrokerID, log: Logger) {
        self.fixed = fixed
        self.node = node
        self.log = log
        state = Mutex(State(current: fixed))
    }

    /// The settings in force; from any thread.
    package var current: Settings { state.withLock { $0.current } }

    /// Adds who is told of new settings, on the control loop, in the order of subscription. What is in force at the
    /// time of the call is not told.
    package func subscribe(_ reader: @escaping @Sendable (Settings) -> Void) {
        state.withLock { $0.readers.append(reader) }
    }

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        let mine = [ConfigResource(.broker, ""), ConfigResource(.broker, "\(node)")]
        guard delta.changedConfigs.contains(where: mine.contains) else { return }
        let layers = mine.map { valid(image.configs[$0], of: $0) }
        let next = fixed.overlaid(with: layers[0], layers[1])
        let (former, readers) = state.withLock { state in
            let former = state.current
            state.current = next
            return (former, state.readers)
        }
        guard next != former else { return }
        tell(from: former, to: next)
        for reader in readers { reader(next) }
    }

    /// What can be used of the values that are set for a resource.
    private func valid(_ values: [String: String], of resource: ConfigResource) -> [String: String] {
        values.filter { key, value in
            guard let complaint = BrokerConfigCheck.complaint(about: key, value, isForOneBroker: !resource.name.isEmpty)
            else { return true }
            log.warning(
                "a setting that was made at run time is ignored", metadata: ["key": "\(key)", "reason": "\(complaint)"])
            return false
        }
    }

    private func tell(from former: Settings, to next: Settings) {
        for name in Set(former.givenNames + next.givenNames).sorted() where former.given(name) != next.given(name) {
            guard let setting = SettingTable.byName[name] else { continue }
            let value = setting.isSensitive ? "[hidden]" : next.optionalString(name) ?? "none"
            switch setting.effect {
            case .acts: log.info("a setting changed", metadata: ["key": "\(name)", "value": "\(value)"])
            case .ignored(let absence), .refused(let absence, _):
                log.warning(
                    "a setting changed that does not act",
                    metadata: ["key": "\(name)", "reason": "\(absence.sentence)"])
            }
        }
    }
}
