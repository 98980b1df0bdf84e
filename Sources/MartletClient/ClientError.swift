package import Primitives

/// Why a call to the cluster did not succeed; the text is fit to be shown to a user.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a caller may decide on.
    public enum Kind: Hashable, Sendable {
        /// No broker could be reached, or the connection broke before the answer.
        case connection
        /// No answer in time. What was asked for may have happened.
        case timeout
        /// The broker does not have the API in a version that is wanted.
        case unsupported
        /// The broker answered with an error.
        case broker
        /// The call itself makes no sense.
        case invalid
        /// The client was closed.
        case closed
    }

    public let kind: Kind
    public let description: String
    /// The broker's error, if it is one.
    package let code: ErrorCode?

    package init(_ kind: Kind, _ description: String, code: ErrorCode? = nil) {
        self.kind = kind
        self.description = description
        self.code = code
    }

    /// The broker's error with its text, or the name of the error where it sent none.
    package init(code: ErrorCode, message: String? = nil) {
        self.init(.broker, message ?? code.description, code: code)
    }

    /// Kafka's name of the broker's error, such as `UNKNOWN_TOPIC_OR_PARTITION`; nil if it is no broker's error.
    public var brokerErrorName: String? { code?.description }

    /// True where the same call may succeed if it is made again.
    public var isRetriable: Bool {
        switch kind {
        case .connection, .timeout: true
        case .broker: code?.isRetriable ?? false
        case .unsupported, .invalid, .closed: false
        }
    }
}
