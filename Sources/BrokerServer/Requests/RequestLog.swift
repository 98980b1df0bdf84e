import Logging
import Primitives
import WireProtocol

/// Writes a line for each answered request while its logger (`kafka.request.logger`) is at DEBUG.
package struct RequestLog: Sendable {
    private let log: Logger
    private let level: LogLevels.Cell

    package init(_ logs: NodeLogs) {
        log = logs[part: .requests]
        level = logs.levels.cell(of: .requests)
    }

    /// One load: what the data path pays while nobody looks.
    var isOn: Bool { level.level <= .debug }

    func say(_ header: RequestHeader, _ connection: ConnectionIdentity, microseconds: Int64, bytes: Int) {
        log.debug(
            "request answered",
            metadata: [
                "api": "\(header.key)", "version": "\(header.version)", "correlation": "\(header.correlationID.value)",
                "client": "\(header.clientID ?? "")", "peer": "\(connection.remote)",
                "listener": "\(connection.listener.name)", "principal": "\(connection.principal)",
                "microseconds": "\(microseconds)", "answerBytes": "\(bytes)",
            ])
    }
}
