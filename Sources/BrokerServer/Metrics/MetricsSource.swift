/// A part of the node that has something to report when somebody looks.
///
/// The counters themselves are atomics (or stand behind a lock that the data path takes anyway) and belong to the part
/// that counts; they are only gathered here, so that nobody pays for metrics that nobody reads.
package protocol MetricsSource: Sendable {
    /// Adds what there is to say to the page. Called on a thread of the pool, one report at a time.
    func report(into page: inout MetricsPage)
}
