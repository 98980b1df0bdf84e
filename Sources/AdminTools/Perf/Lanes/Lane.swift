import MartletClient
import Primitives
import WireProtocol
import World

/// What a lane did.
struct LaneReport: Sendable {
    var bytes = 0
    var requests = 0
    /// From sending a request to its answer, in nanoseconds, by request.
    var latencies: [Int64] = []
}

/// What one connection sends, over and over, and what it makes of the answers.
protocol LaneLoad: Sendable {
    /// The next request with this correlation id, its length included; nil when all has been sent.
    mutating func next(_ correlationID: Int32) -> [Segment]?
    /// Takes an answer in, without its correlation id; returns the bytes that it stands for.
    ///
    /// - Errors: the answer can't be read, or the broker refuses.
    mutating func answered(_ frame: Bytes) throws(ClientError) -> Int
}

/// One connection under load, with a fixed number of requests in flight: as the floor's programs do it, with no client
/// library between the load and the broker.
///
/// `@unchecked Sendable`: touched on its loop only.
final class Lane<Load: LaneLoad>: LinkHandler, @unchecked Sendable {
    typealias Completion = @Sendable (Result<LaneReport, ClientError>) -> Void

    private static var answerBytesMax: Int { 512 << 20 }

    private var load: Load
    private let inFlightMax: Int
    private let clock: any Clock
    private var completion: Completion?
    private var link: (any Link)?
    private var report = LaneReport()
    private var sentAt: [MonotonicInstant] = []
    private var nextCorrelation: Int32 = 0
    private var answeredCount = 0
    private var isExhausted = false

    private init(_ load: Load, inFlightMax: Int, clock: any Clock, completion: @escaping Completion) {
        self.load = load
        self.inFlightMax = inFlightMax
        self.clock = clock
        self.completion = completion
    }

    /// Runs a load to its end.
    static func run(
        _ load: Load, inFlight: Int, to endpoint: Endpoint, _ runtime: ClientRuntime
    ) async throws(ClientError) -> LaneReport {
        let result: Result<LaneReport, ClientError> = await withCheckedContinuation { continuation in
            let lane = Lane(load, inFlightMax: inFlight, clock: runtime.clock) { continuation.resume(returning: $0) }
            runtime.network.connect(
                to: endpoint, on: runtime.loop, timeoutMilliseconds: 5_000, frameLimitBytes: answerBytesMax,
                handler: lane
            ) { lane.connected($0, endpoint) }
        }
        return try result.get()
    }

    private func connected(_ result: Result<any Link, ConnectError>, _ endpoint: Endpoint) {
        switch result {
        case .success(let link):
            self.link = link
            sendMore(link)
        case .failure(let error): end(.failure(ClientError(.connection, "\(endpoint): \(error)")))
        }
    }

    private func sendMore(_ link: any Link) {
        while !isExhausted, Int(nextCorrelation) - answeredCount < inFlightMax {
            guard let request = load.next(nextCorrelation) else {
                isExhausted = true
                break
            }
            sentAt.append(clock.now)
            nextCorrelation += 1
            link.send(request)
        }
        if isExhausted, answeredCount == Int(nextCorrelation) { end(.success(report)) }
    }

    func frameReceived(_ frame: Bytes) {
        guard let link, completion != nil else { return }
        guard frame.count >= 4, Int(frame.bigEndian(Int32.self, at: 0)) == answeredCount else {
            return end(.failure(ClientError(.connection, "the broker answered out of order")))
        }
        report.latencies.append(clock.now.value - sentAt[answeredCount].value)
        answeredCount += 1
        report.requests += 1
        do throws(ClientError) {
            report.bytes += try load.answered(frame[4..<frame.count])
            sendMore(link)
        } catch {
            end(.failure(error))
        }
    }

    func roundReceived() {}

    func queueDrained() {}

    func linkEnded(_ end: LinkEnd) {
        self.end(.failure(ClientError(.connection, "the connection ended: \(end)")))
    }

    private func end(_ result: Result<LaneReport, ClientError>) {
        let completion = self.completion
        self.completion = nil
        link?.close()
        link = nil
        completion?(result)
    }
}
