import Controller
import Primitives
import World

/// How a node's settings become those of its parts.
extension ControllerConfiguration {
    init(_ settings: Settings, clusterID: String, node: BrokerID) {
        self.init(clusterID: clusterID)
        detection = DetectionSettings(settings, node: node)
        sessionTimeoutMilliseconds = settings.integer("broker.session.timeout.ms")
        defaultPartitions = Int32(settings.integer("num.partitions"))
        defaultReplicationFactor = Int16(settings.integer("default.replication.factor"))
        defaultMinInSyncReplicas = Int(settings.integer("min.insync.replicas"))
        isUncleanElectionDefault = settings.boolean("unclean.leader.election.enable")
        isTopicDeletionEnabled = settings.boolean("delete.topic.enable")
        topicDefaults = TopicDefaults.given(in: settings)
        idleIntervalMilliseconds = settings.integer("metadata.max.idle.interval.ms")
        if settings.boolean("auto.leader.rebalance.enable") {
            rebalanceIntervalMilliseconds = 1_000 * settings.integer("leader.imbalance.check.interval.seconds")
        } else {
            rebalanceIntervalMilliseconds = nil
        }
    }
}

extension DetectionSettings {
    init(_ settings: Settings, node: BrokerID) {
        self.init()
        ownNode = node
        heartbeatMilliseconds = settings.integer("broker.heartbeat.interval.ms")
        silenceMilliseconds = settings.integer("broker.silence.timeout.ms")
        silenceIntervals = settings.integer("broker.silence.intervals")
        lagMillisecondsMax = settings.integer("broker.silence.own.lag.ms")
        fencesMax = Int(settings.integer("broker.silence.fences.max"))
        fencesWindowMilliseconds = settings.integer("broker.silence.fences.window.ms")
        unfetchableMilliseconds = settings.integer("leader.unfetchable.timeout.ms")
        slowFlushMilliseconds = settings.integer("leader.slow.flush.ms")
        slowFlushLastingMilliseconds = settings.integer("leader.slow.flush.duration.ms")
        holdDownMilliseconds = settings.integer("leader.hold.down.ms")
    }
}

extension RequestLimits {
    /// - Parameter machineMemoryBytes: what the machine, or the container, has.
    init(_ settings: Settings, machineMemoryBytes: Int64) {
        self.init()
        frameBytesMax = Int(settings.integer("socket.request.max.bytes"))
        idleMilliseconds = settings.integer("connections.max.idle.ms")
        connectionsMax = Int(settings.integer("max.connections"))
        connectionsPerAddressMax = Int(settings.integer("max.connections.per.ip"))
        connectionsByAddressMax = RequestLimits.overrides(settings.string("max.connections.per.ip.overrides"))
        connectionsPerSecond = Int(settings.integer("max.connection.creation.rate"))
        for (name, number) in settings.integers(ofListeners: "max.connections") {
            listeners[name, default: OfListener()].connectionsMax = Int(number)
        }
        for (name, number) in settings.integers(ofListeners: "max.connection.creation.rate") {
            listeners[name, default: OfListener()].connectionsPerSecond = Int(number)
        }
        let given = settings.optionalInteger("queued.max.request.bytes") ?? machineMemoryBytes / 4
        heldBytesMax = given < 0 ? .max : max(Int(given), frameBytesMax)
    }

    /// Reads `address:number,…`; the last colon counts, as an IPv6 address has some.
    private static func overrides(_ text: String) -> [String: Int] {
        var found: [String: Int] = [:]
        for item in text.split(separator: ",") {
            guard let colon = item.lastIndex(of: ":"), let number = Int(item[item.index(after: colon)...].trimmed)
            else { continue }
            found[String(item[..<colon]).trimmed] = number
        }
        return found
    }
}

extension BrokerLifecycle.Timing {
    init(_ settings: Settings) {
        self.init()
        heartbeatMilliseconds = settings.integer("broker.heartbeat.interval.ms")
        registrationMilliseconds = settings.integer("initial.broker.registration.timeout.ms")
        sessionMilliseconds = settings.integer("broker.session.timeout.ms")
    }
}

extension AdminListener {
    /// Opens the configured port.
    func open(_ endpoint: Endpoint, _ world: World) throws(NodeFailure) -> Int {
        do throws(ListenError) {
            return try open(at: endpoint, in: world)
        } catch {
            switch error {
            case .addressInUse(let endpoint):
                throw NodeFailure(
                    "admin.listener: port \(endpoint.port) is in use by another process; stop it or change the key")
            case .cannotBind(let endpoint, let reason):
                throw NodeFailure("admin.listener: can't listen at \(endpoint): \(reason)")
            }
        }
    }
}

extension RequestListener {
    /// Opens a configured listener.
    func open(_ configuration: ListenerConfiguration, _ world: World) throws(NodeFailure) {
        let host = configuration.endpoint.host.isEmpty ? "0.0.0.0" : configuration.endpoint.host
        do throws(ListenError) {
            _ = try open(at: Endpoint(host: host, port: configuration.endpoint.port), in: world)
        } catch {
            switch error {
            case .addressInUse(let endpoint):
                throw NodeFailure(
                    "listener \(configuration.name): port \(endpoint.port) is in use by another process; stop it or "
                        + "change listeners")
            case .cannotBind(let endpoint, let reason):
                throw NodeFailure("listener \(configuration.name): can't listen at \(endpoint): \(reason)")
            }
        }
    }
}

extension HandlerTable {
    /// Adds the administrative requests: on client listeners they are forwarded, on a controller's decided.
    mutating func registerAdministration(_ route: AdminRoute, _ own: OwnConfigs, _ quorum: QuorumHost) {
        register(AddRaftVoterHandler(quorum, route))
        register(RemoveRaftVoterHandler(quorum, route))
        register(CreateTopicsHandler(route))
        register(DeleteTopicsHandler(route))
        register(CreatePartitionsHandler(route))
        register(AlterPartitionReassignmentsHandler(route))
        register(ListPartitionReassignmentsHandler(route))
        register(ElectLeadersHandler(route))
        register(IncrementalAlterConfigsHandler(route, own))
        register(AlterConfigsHandler(route, own))
        register(UnregisterBrokerHandler(route))
        register(UpdateFeaturesHandler(route, quorum))
    }
}
