import Primitives
import World

/// One connection of a `PeerLink`: keeps the end of an old connection from being taken for that of the new one.
///
/// `@unchecked Sendable`: touched on the link's loop only.
final class PeerAttempt: LinkHandler, @unchecked Sendable {
    private let owner: PeerLink
    var link: (any Link)?

    init(_ owner: PeerLink) { self.owner = owner }

    func frameReceived(_ frame: Bytes) { owner.received(frame, on: link) }

    func roundReceived() {}

    func queueDrained() {}

    func linkEnded(_ end: LinkEnd) {
        guard let link else { return }
        self.link = nil
        owner.linkEnded(link, end)
    }
}

extension PeerError {
    init(_ error: ConnectError) {
        switch error {
        case .refused: self = .refused
        case .unreachable(let reason): self = .unreachable(reason: reason)
        case .unknownHost(let host): self = .unreachable(reason: "unknown host \(host)")
        }
    }
}
