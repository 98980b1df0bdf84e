import Glibc
import NIOCore
import NIOPosix
import World

/// What a failed connection proves: a refusal is proof that no process listens; all else is silence.
extension ConnectError {
    /// - Parameter isRemembered: The address was one that the name had earlier: somebody else may have it now, and what
    ///   it refuses proves nothing.
    init(_ error: any Error, _ endpoint: Endpoint, isRemembered: Bool) {
        let cause = ConnectError(error, endpoint)
        self = cause == .refused && isRemembered ? .unreachable(reason: "refused at a remembered address") : cause
    }

    init(_ error: any Error, _ endpoint: Endpoint) {
        switch error {
        case let failure as NIOConnectionError: self.init(failure)
        case let failure as IOError where failure.errnoCode == ECONNREFUSED: self = .refused
        default: self = .unreachable(reason: "\(error)")
        }
    }

    /// A name may stand for several addresses: refused only where all of them refused.
    private init(_ failure: NIOConnectionError) {
        let errors = failure.connectionErrors.map(\.error)
        if errors.isEmpty {
            self =
                failure.dnsAError != nil || failure.dnsAAAAError != nil
                ? .unknownHost(failure.host) : .unreachable(reason: "\(failure)")
            return
        }
        let areRefusals = errors.allSatisfy { ($0 as? IOError)?.errnoCode == ECONNREFUSED }
        self = areRefusals ? .refused : .unreachable(reason: "\(errors[0])")
    }
}
