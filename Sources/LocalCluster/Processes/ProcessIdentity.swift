/// One process, told apart from a later one that got the same number: by its start time and the boot of the machine.
package struct ProcessIdentity: Hashable, Sendable {
    package let processID: Int32
    /// Clock ticks from the boot to the start of the process, as `/proc` has it.
    package let startTicks: UInt64
    /// The random id of this boot.
    package let boot: String

    package init(processID: Int32, startTicks: UInt64, boot: String) {
        self.processID = processID
        self.startTicks = startTicks
        self.boot = boot
    }

    /// One line for the process file.
    package var text: String { "\(processID) \(startTicks) \(boot)" }

    /// Reads what `text` wrote; nil when it is something else.
    package init?(parsing text: String) {
        let parts = text.split { $0 == " " || $0 == "\n" }
        guard parts.count == 3, let processID = Int32(parts[0]), processID > 1, let ticks = UInt64(parts[1]) else {
            return nil
        }
        self.init(processID: processID, startTicks: ticks, boot: String(parts[2]))
    }
}
