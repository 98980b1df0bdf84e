/// What one connection holds of the node's memory, by cause.
struct ConnectionHolding {
    /// Of a frame that is not whole yet.
    var partialBytes = 0
    /// Requests that wait or are unanswered.
    var requestBytes = 0
    /// Answers that the client does not take.
    var untakenBytes = 0

    private let memory: HeldMemory
    private var toldBytes = 0
    private var isOver = false

    init(_ memory: HeldMemory) { self.memory = memory }

    /// Brings the node's account up to date.
    mutating func tell() {
        let bytes = partialBytes + requestBytes + untakenBytes
        if isOver || bytes == toldBytes { return }
        memory.change(by: bytes - toldBytes)
        toldBytes = bytes
    }

    /// The connection has ended.
    mutating func giveAllBack() {
        (partialBytes, requestBytes, untakenBytes) = (0, 0, 0)
        tell()
        isOver = true
    }
}
