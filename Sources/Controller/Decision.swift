package import Metadata
package import Primitives

/// What the controller answers and what must be committed before the answer may leave.
package struct Decision<Reply: Sendable>: Sendable {
    /// To append as one batch: all are committed or none is.
    package let records: [MetadataRecord]
    package let reply: Reply

    package init(_ records: [MetadataRecord] = [], reply: Reply) {
        self.records = records
        self.reply = reply
    }
}

/// Why a request, or one item of it, is refused.
package struct Refusal: Error, Hashable, Sendable {
    package let code: ErrorCode
    /// What the client is told; nil where the code says all.
    package let message: String?

    package init(_ code: ErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message
    }
}
