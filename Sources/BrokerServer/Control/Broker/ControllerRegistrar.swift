import Controller
package import Logging
package import Metadata
package import Primitives
import WireMessages
package import World

/// Tells the active controller where this controller can be reached and what it supports; again when a new leader does
/// not know it yet.
///
/// `@unchecked Sendable`: touched on the control loop only.
package final class ControllerRegistrar: LeaderFollower, @unchecked Sendable {
    private static let timeoutMilliseconds: Int64 = 10_000
    private static let retryMilliseconds: Int64 = 500

    private let registration: ControllerRegistration
    private let channel: ControllerChannel
    private let cache: MetadataCache
    private let world: World
    private let log: Logger
    private var isInFlight = false

    /// - Parameter channel: of its own; it is told of leaders from here.
    package init(
        id: BrokerID, incarnationID: UUID128, listeners: [RegisteredListener], channel: ControllerChannel,
        cache: MetadataCache, world: World, log: Logger
    ) {
        registration = ControllerRegistration(
            id: id, incarnationID: incarnationID, listeners: listeners, supportedFeatures: ClusterFeatures.supported)
        self.channel = channel
        self.cache = cache
        self.world = world
        self.log = log
    }

    package func leaderChanged(_ leader: QuorumLeader) {
        channel.leaderChanged(leader)
        if leader.id != nil { register() }
    }

    private func register() {
        guard !isInFlight, cache.current.controllers[registration.id] != registration else { return }
        isInFlight = true
        channel.send(
            ControllerRegistrationRequest(registration), timeoutMilliseconds: ControllerRegistrar.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            self.isInFlight = false
            switch result {
            case .success(let response) where response.errorCode == .noError: return
            case .failure(.shutDown): return
            case .success(let response):
                self.log.info("controller registration refused", metadata: ["error": "\(response.errorCode)"])
            case .failure(let error):
                self.log.info("controller registration failed", metadata: ["error": "\(error)"])
            }
            self.world.controlLoop.schedule(afterMilliseconds: ControllerRegistrar.retryMilliseconds) { [weak self] in
                self?.register()
            }
        }
    }
}
