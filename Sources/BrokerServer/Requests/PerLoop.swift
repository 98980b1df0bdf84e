import Synchronization
import World

/// What each data loop has for itself, made when the loop first asks for it: loops are started while the node runs.
///
/// To look it up takes no lock and touches nothing that another loop writes to. (`AtomicLazyReference` would say it in
/// a word, but takes 1,500 instructions for a look, as it is not specialised.)
final class PerLoop<Value: AnyObject & Sendable>: Sendable {
    private let make: @Sendable (any Loop) -> Value
    /// By the loop's place: the address of a value that is retained here, or 0.
    private let addresses: InlineArray<1_024, Atomic<UInt>>

    init(_ make: @escaping @Sendable (any Loop) -> Value) {
        self.make = make
        addresses = InlineArray { _ in Atomic<UInt>(0) }
    }

    deinit {
        for place in addresses.indices {
            guard let pointer = unsafe PerLoop.pointer(addresses[place].load(ordering: .acquiring)) else { continue }
            unsafe Unmanaged<Value>.fromOpaque(pointer).release()
        }
    }

    /// - Precondition: it is a data loop.
    subscript(_ loop: any Loop) -> Value {
        guard let place = loop.place else { preconditionFailure("a client's request on a loop that is no data loop") }
        guard let pointer = unsafe PerLoop.pointer(addresses[place].load(ordering: .acquiring)) else {
            return begin(loop, place)
        }
        return unsafe Unmanaged<Value>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func begin(_ loop: any Loop, _ place: Int) -> Value {
        let made = make(loop)
        let address = unsafe UInt(bitPattern: Unmanaged.passRetained(made).toOpaque())
        let isFirst = addresses[place].compareExchange(
            expected: 0, desired: address, ordering: .acquiringAndReleasing
        ).exchanged
        // A loop asks on its own thread, and so once.
        precondition(isFirst, "two threads of one loop")
        return made
    }

    private static func pointer(_ address: UInt) -> UnsafeRawPointer? { unsafe UnsafeRawPointer(bitPattern: address) }
}
