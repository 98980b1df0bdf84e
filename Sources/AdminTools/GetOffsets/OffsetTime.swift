package import ClientCore
package import MartletClient
import Primitives

/// `--time` of `get-offsets`: a name, a special number, or a time.
package enum OffsetTime {
    /// What the text asks for.
    ///
    /// - Errors: `invalid` for a text that is none of them.
    package static func timestamp(_ text: String) throws(ClientError) -> ListedTimestamp {
        switch text {
        case "latest", "-1": return .latest
        case "earliest", "-2": return .earliest
        case "max-timestamp", "-3": return .latestTime
        case "earliest-local", "-4": return .earliestLocal
        case "latest-tiered", "-5": return .latestTiered
        case "earliest-pending-upload", "-6": return .earliestPendingUpload
        default:
            guard let number = Int64(text) else {
                throw ClientError(
                    .invalid,
                    "Malformed time argument \(text). Please use -1 or latest / -2 or earliest / -3 or max-timestamp / "
                        + "-4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified "
                        + "long format timestamp")
            }
            return .at(Timestamp(number))
        }
    }
}
