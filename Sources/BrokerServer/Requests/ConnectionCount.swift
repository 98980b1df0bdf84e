import Synchronization

/// Counts a node's open connections, so that neither all clients nor one address take more than their share.
package final class ConnectionCount: Sendable {
    private struct Counts {
        var total = 0
        var byAddress: [String: Int] = [:]
    }

    private let counts = Mutex(Counts())

    package init() {}

    /// Open connections now.
    package var total: Int { counts.withLock { $0.total } }

    /// Takes a place for a connection from `address`; false where there is none left.
    func enter(_ address: String, _ limits: RequestLimits) -> Bool {
        counts.withLock { counts in
            let fromAddress = counts.byAddress[address, default: 0]
            guard counts.total < limits.connectionsMax, fromAddress < limits.connectionsPerAddressMax else {
                return false
            }
            counts.total += 1
            counts.byAddress[address] = fromAddress + 1
            return true
        }
    }

    /// Gives the place back.
    func leave(_ address: String) {
        counts.withLock { counts in
            counts.total -= 1
            let left = counts.byAddress[address, default: 1] - 1
            counts.byAddress[address] = left == 0 ? nil : left
        }
    }
}
