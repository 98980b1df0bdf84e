import Logging
import Metadata
import Primitives
import World

/// Has as many data loops get a broker's connections as the settings say at the time; and knows how far one change of
/// a number of threads may go.
struct BrokerThreads: Sendable {
    /// For changes that are asked of this broker.
    let rule: ThreadCountRule

    /// - Parameter settings: told of, from now on.
    init(
        _ broker: BrokerID, _ settings: DynamicSettings, _ cache: MetadataCache, _ world: World, log: Logger
    ) {
        let loops = world.dataLoops
        rule = ThreadCountRule { key, isForOneBroker in
            // What this broker has of its own goes before what all have.
            let own = cache.current.configs[ConfigResource(.broker, "\(broker)")][key]
            if !isForOneBroker, own != nil { return nil }
            return key == "num.network.threads" ? Int64(loops.open.count) : settings.current.integer(key)
        }
        settings.subscribe { settings in
            let wanted = settings.optionalInteger("num.network.threads").map(Int.init) ?? loops.first.count
            let present = loops.open.count
            guard wanted != present else { return }
            let count = loops.setOpenCount(wanted)
            if count < wanted {
                log.warning(
                    "no thread or descriptor is left for all data loops",
                    metadata: ["wanted": "\(wanted)", "count": "\(count)"])
            }
        }
    }
}
