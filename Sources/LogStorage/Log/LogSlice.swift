package import Primitives
package import World

/// Whole batches that stand one after the other in one file, to be sent or read without looking at them.
package struct LogSlice: Sendable {
    package let file: any File
    /// Where the first batch starts in the file.
    package let position: Int64
    /// Bytes of all the batches; 0 when there is nothing to read.
    package let count: Int
    /// The base offset of the first batch; may lie before the offset asked for, which can stand inside the batch.
    package let baseOffset: Offset
    /// Exclusive: the offset after the last record of the last batch.
    package let endOffset: Offset

    package init(file: any File, position: Int64, count: Int, baseOffset: Offset, endOffset: Offset) {
        self.file = file
        self.position = position
        self.count = count
        self.baseOffset = baseOffset
        self.endOffset = endOffset
    }

    package var isEmpty: Bool { count == 0 }

    /// True when sending it will not wait for a disk.
    package var isResident: Bool { count == 0 || file.isResident(from: position, count: count) }
}
