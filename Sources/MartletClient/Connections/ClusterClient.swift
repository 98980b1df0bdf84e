package import ClientCore
package import Primitives
import Synchronization
import WireMessages
package import WireProtocol
package import World

/// The connections to a cluster and what is known of it: what producers, consumers and the administration share.
package final class ClusterClient: Sendable {
    /// Whom a request is for.
    package enum Target: Hashable, Sendable {
        /// Whichever broker can be reached; requests for the controller are forwarded by it.
        case anyBroker
        case broker(BrokerID)
    }

    private struct State {
        var view = ClusterView()
        var connections: [Endpoint: BrokerConnection] = [:]
        var asking = AskingOrder()
        var generator: SeededGenerator
        var isClosed = false

        /// Where the brokers are that are alive, by id.
        var knownEndpoints: [Endpoint] { view.brokerIDs.compactMap { view.brokers[$0] } }
    }

    package let configuration: ClientConfiguration
    package let runtime: ClientRuntime
    package let retry = RetryPolicy()
    private let bootstrap: BootstrapServers
    private let state: Mutex<State>

    package init(_ configuration: ClientConfiguration, runtime: ClientRuntime = .shared) throws(ClientError) {
        self.configuration = configuration
        self.runtime = runtime
        do { bootstrap = try BootstrapServers(parsing: configuration.bootstrapServers) } catch {
            throw ClientError(.invalid, error.description)
        }
        state = Mutex(State(generator: runtime.generator()))
    }

    /// What is known of the cluster now.
    package var view: ClusterView { state.withLock { $0.view } }

    /// Takes a newer leader from an error in.
    package func learnLeader(_ place: TopicPartition, leader: BrokerID, epoch: LeaderEpoch) {
        state.withLock { $0.view.learnLeader(place, leader: leader, epoch: epoch) }
    }

    /// The wait before the next attempt.
    package func backoff(after attempt: Int) -> Int64 {
        state.withLock { retry.wait(after: attempt, using: &$0.generator) }
    }

    /// Closes all connections; later calls fail.
    package func close() {
        let connections = state.withLock { state in
            state.isClosed = true
            defer { state.connections = [:] }
            return state.connections
        }
        for connection in connections.values { connection.close() }
    }

    /// The connection to an endpoint, made now if there is none that lives.
    func connection(to endpoint: Endpoint) throws(ClientError) -> BrokerConnection {
        let made: BrokerConnection? = state.withLock { state in
            if state.isClosed { return nil }
            if let known = state.connections[endpoint], !known.hasEnded { return known }
            let fresh = BrokerConnection(to: endpoint, configuration, runtime)
            state.connections[endpoint] = fresh
            return fresh
        }
        guard let made else { throw ClientError(.closed, "The client was closed") }
        return made
    }

    /// Sends one request to one endpoint, once.
    package func send<Request: WireRequest>(
        _ request: Request, to endpoint: Endpoint, upTo versionLimit: Int16? = nil, timeoutMilliseconds: Int64? = nil
    ) async throws(ClientError) -> Request.Response {
        let connection = try connection(to: endpoint)
        let timeout = timeoutMilliseconds ?? configuration.requestTimeoutMilliseconds
        let result = await withCheckedContinuation { continuation in
            connection.send(request, upTo: versionLimit, timeoutMilliseconds: timeout) {
                continuation.resume(returning: $0)
            }
        }
        return try result.get()
    }

    /// Sends one request; with `anyBroker` it goes on to the next broker where one can't be reached.
    package func send<Request: WireRequest>(
        _ request: Request, to target: Target, upTo versionLimit: Int16? = nil, timeoutMilliseconds: Int64? = nil
    ) async throws(ClientError) -> Request.Response {
        switch target {
        case .broker(let id):
            guard let endpoint = view.brokers[id] else {
                throw ClientError(.connection, "Broker \(id) is not known or not alive")
            }
            return try await send(
                request, to: endpoint, upTo: versionLimit, timeoutMilliseconds: timeoutMilliseconds)
        case .anyBroker:
            return try await sendToAny(request, upTo: versionLimit, timeoutMilliseconds: timeoutMilliseconds)
        }
    }

    private func sendToAny<Request: WireRequest>(
        _ request: Request, upTo versionLimit: Int16?, timeoutMilliseconds: Int64?
    ) async throws(ClientError) -> Request.Response {
        let end = runtime.clock.now.advanced(byMilliseconds: configuration.bootstrapTimeoutMilliseconds)
        var attempt = 0
        while true {
            var last = ClientError(.connection, "No broker is known")
            for endpoint in candidates() {
                do throws(ClientError) {
                    let response = try await send(
                        request, to: endpoint, upTo: versionLimit, timeoutMilliseconds: timeoutMilliseconds)
                    state.withLock { $0.asking.answered(endpoint) }
                    return response
                } catch {
                    guard error.kind == .connection else { throw error }
                    last = error
                }
            }
            guard runtime.clock.now < end else {
                let all = bootstrap.endpoints.map(\.description).joined(separator: ",")
                throw ClientError(.connection, "None of the brokers \(all) could be reached. \(last)")
            }
            await runtime.sleep(milliseconds: backoff(after: attempt))
            attempt += 1
        }
    }

    private func candidates() -> [Endpoint] {
        state.withLock { state in
            let connections = state.connections
            return state.asking.order(of: bootstrap.endpoints + state.knownEndpoints) {
                connections[$0]?.hasEnded ?? false
            }
        }
    }

    /// A broker that is cut off from others knows of no leaders: the next may know more.
    private func askAnotherNext() {
        state.withLock { state in
            var ring = bootstrap.endpoints
            for endpoint in state.knownEndpoints where !ring.contains(endpoint) { ring.append(endpoint) }
            guard let next = state.asking.goOn(among: ring) else { return }
            if state.connections[next]?.hasEnded ?? false { state.connections[next] = nil }
        }
    }

    /// Asks for what is known of `topics`, or of all topics; returns those that have an error.
    @discardableResult
    package func refresh(
        topics: [String]?, allowsCreation: Bool = false
    ) async throws(ClientError) -> [String: ErrorCode] {
        var request = MetadataRequest()
        request.allowAutoTopicCreation = allowsCreation
        request.topics = topics.map { names in
            names.map { name in
                var entry = MetadataRequest.MetadataRequestTopic()
                entry.name = name
                return entry
            }
        }
        let response = try await send(request, to: .anyBroker)
        if response.topics.contains(where: { $0.partitions.contains { $0.leaderID.value < 0 } }) { askAnotherNext() }
        let failed = state.withLock { $0.view.apply(response, isComplete: topics == nil) }
        return Dictionary(failed.map { ($0.name, $0.error) }) { first, _ in first }
    }

    /// Repeats `work` while it fails retriably, until the call's time is over.
    package func retrying<Value>(
        _ work: () async throws(ClientError) -> Value
    ) async throws(ClientError) -> Value {
        let end = runtime.clock.now.advanced(byMilliseconds: configuration.callTimeoutMilliseconds)
        var attempt = 0
        while true {
            do throws(ClientError) { return try await work() } catch {
                let wait = backoff(after: attempt)
                guard error.kind == .broker, error.isRetriable, runtime.clock.now.advanced(byMilliseconds: wait) < end
                else { throw error }
                await runtime.sleep(milliseconds: wait)
                attempt += 1
            }
        }
    }

    /// Waits until a topic is known with all its leaders, and makes it if the cluster does so by itself.
    package func awaitTopic(_ topic: String, allowsCreation: Bool) async throws(ClientError) {
        let end = runtime.clock.now.advanced(byMilliseconds: configuration.callTimeoutMilliseconds)
        var attempt = 0
        while true {
            let failed = try await refresh(topics: [topic], allowsCreation: allowsCreation)
            if let error = failed[topic], !error.isRetriable { throw ClientError(code: error) }
            if let error = failed[topic], error == .unknownTopicOrPartition, !allowsCreation {
                throw ClientError(code: error, message: "Topic '\(topic)' does not exist")
            }
            if let known = view.topics[topic], known.partitions.contains(where: { $0.leader != nil }) { return }
            guard runtime.clock.now < end else {
                throw ClientError(
                    .timeout,
                    "Topic \(topic) not present in metadata after \(configuration.callTimeoutMilliseconds) ms.")
            }
            await runtime.sleep(milliseconds: backoff(after: attempt))
            attempt += 1
        }
    }
}
