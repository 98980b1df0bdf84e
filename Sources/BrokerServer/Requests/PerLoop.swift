import Synchronization
import World

/// What each data loop has for itself, made when the loop first asks for it: loops are started while the node runs.
///
/// To look it up takes no lock and touches nothing that another loop writes to.
final class PerLoop<Value: AnyObject & Sendable>: Sendable {
    private let make: @Sendable (any Loop) -> Value
    /// By the loop's place.
    private let values: InlineArray<1_024, AtomicLazyReference<Value>>

    init(_ make: @escaping @Sendable (any Loop) -> Value) {
        self.make = make
        values = InlineArray { _ in AtomicLazyReference() }
    }

    /// - Precondition: it is a data loop.
    subscript(_ loop: any Loop) -> Value {
        guard let place = loop.place else { preconditionFailure("a client's request on a loop that is no data loop") }
        return values[place].load() ?? values[place].storeIfNil(make(loop))
    }
}
