/// Why a node can't start or go on: names the thing and the remedy.
package struct NodeFailure: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
