/// How listeners follow from what is advertised, and the other way round.
extension ContainerConfiguration {
    private static let clientPort = 9092
    private static let controllerPort = 9093

    private var controllerNames: [String] {
        let names = list("controller.listener.names").map { $0.uppercased() }
        return names.isEmpty ? ["CONTROLLER"] : names
    }

    /// - Errors: a controller that advertises, as Kafka's images refuse it.
    mutating func completeListeners() throws(ConfigurationError) {
        let advertised = list("advertised.listeners")
        if isController, !isBroker, !advertised.isEmpty {
            throw ConfigurationError("KAFKA_ADVERTISED_LISTENERS is not supported on a KRaft controller.")
        }
        let listenersAreGiven = properties["listeners"] != nil
        if !listenersAreGiven, isBroker || isController {
            deriveListeners(advertised)
        } else if !isStrict {
            addMissingListeners(advertised)
        }
        if !isStrict, isBroker, properties["advertised.listeners"] == nil {
            advertise(host: isBare || isSingle && !listenersAreGiven ? "localhost" : hostName)
        }
    }

    /// Every advertised listener on all addresses, as Kafka's images do; what they leave out is added.
    private mutating func deriveListeners(_ advertised: [String]) {
        if isStrict, advertised.isEmpty { return }
        var listeners = advertised.map { ContainerConfiguration.onAllAddresses($0) }
        if !isStrict {
            if isBroker, advertised.isEmpty { listeners.append("PLAINTEXT://:\(Self.clientPort)") }
            if isController { listeners.append(controllerListener) }
        }
        properties["listeners"] = listeners.joined(separator: ",")
        if !isBare { remark("listeners") }
    }

    /// A listener that is advertised but not listed is opened at the advertised port.
    private mutating func addMissingListeners(_ advertised: [String]) {
        var listeners = list("listeners")
        let names = Set(listeners.map { ContainerConfiguration.name(of: $0) })
        let missing = advertised.filter { !names.contains(ContainerConfiguration.name(of: $0)) }
        listeners += missing.map { ContainerConfiguration.onAllAddresses($0) }
        if isController, names.isDisjoint(with: controllerNames) { listeners.append(controllerListener) }
        guard listeners.count > list("listeners").count else { return }
        properties["listeners"] = listeners.joined(separator: ",")
        remark("listeners")
    }

    /// A listener on all addresses is told to others by a name they can use.
    private mutating func advertise(host: String) {
        let client = list("listeners").filter { !controllerNames.contains(ContainerConfiguration.name(of: $0)) }
        let named = client.map { ContainerConfiguration.replacingAnyAddress(in: $0, by: host) }
        guard named != client else { return }
        properties["advertised.listeners"] = named.joined(separator: ",")
        if !isBare { remark("advertised.listeners") }
    }

    private var controllerListener: String {
        "\(controllerNames[0])://:\(ownVoter()?.port ?? ContainerConfiguration.controllerPort)"
    }

    private mutating func remark(_ key: String) {
        remarks.append("\(key) derived: \(properties[key] ?? "")")
    }

    private static func name(of listener: String) -> String {
        (listener.firstRange(of: "://").map { String(listener[..<$0.lowerBound]) } ?? listener).uppercased()
    }

    /// `A://host:1` becomes `A://0.0.0.0:1`; what is no listener stays, to be refused by its reader.
    private static func onAllAddresses(_ listener: String) -> String {
        guard let separator = listener.firstRange(of: "://"), let colon = listener.lastIndex(of: ":"),
            colon >= separator.upperBound
        else { return listener }
        return listener[..<separator.upperBound] + "0.0.0.0" + listener[colon...]
    }

    private static func replacingAnyAddress(in listener: String, by host: String) -> String {
        guard let separator = listener.firstRange(of: "://"), let colon = listener.lastIndex(of: ":"),
            colon >= separator.upperBound,
            ["", "0.0.0.0", "[::]", "::"].contains(String(listener[separator.upperBound..<colon]))
        else { return listener }
        return listener[..<separator.upperBound] + host + listener[colon...]
    }
}
