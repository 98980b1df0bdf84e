import Primitives

/// The bytes of one simulated file: what a reader sees, and how to get back to what the disk surely has.
struct VirtualFileContent {
    private enum Change {
        /// Bytes went to `position`; there were `over` before, in a file of `formerCount`.
        case wrote(position: Int, bytes: [UInt8], over: [UInt8], formerCount: Int)
        /// The length changed; `tail` is what was cut off.
        case resized(from: Int, to: Int, tail: [UInt8])
    }

    private(set) var visible: [UInt8] = []
    /// What was not synchronised yet, in order.
    private var pending: [Change] = []

    /// The unit in which a write tears.
    private static let sectorBytes = 512

    mutating func write(_ bytes: [UInt8], at position: Int) {
        let end = position + bytes.count
        let over = position < visible.count ? Array(visible[position..<min(end, visible.count)]) : []
        pending.append(.wrote(position: position, bytes: bytes, over: over, formerCount: visible.count))
        VirtualFileContent.put(bytes, at: position, in: &visible)
    }

    mutating func resize(to size: Int) {
        guard size != visible.count else { return }
        let tail = size < visible.count ? Array(visible[size...]) : []
        pending.append(.resized(from: visible.count, to: size, tail: tail))
        VirtualFileContent.resize(&visible, to: size)
    }

    /// All is durable.
    mutating func synchronize() { pending = [] }

    /// Changes a bit where it lies, as a rotten disk does.
    mutating func flip(bit: Int) {
        guard bit / 8 < visible.count else { return }
        visible[bit / 8] ^= 1 << UInt8(bit % 8)
    }

    /// What a loss of power leaves: all that was synchronised, and of the rest what luck decides. Where the length was
    /// cut, changes survive up to some point; else each write survives, is lost, or is torn in sectors.
    mutating func losePower(draw: () -> UInt64) {
        guard !pending.isEmpty else { return }
        let changes = pending
        for change in changes.reversed() { undo(change) }
        pending = []
        let isCut = changes.contains { if case .resized = $0 { true } else { false } }
        if isCut {
            for change in changes.prefix(Int(draw() % UInt64(changes.count + 1))) { redo(change) }
            return
        }
        for change in changes {
            guard case .wrote(let position, let bytes, _, _) = change else { continue }
            switch draw() % 3 {
            case 0: continue
            case 1: tear(bytes, at: position, draw)
            default: VirtualFileContent.put(bytes, at: position, in: &visible)
            }
        }
    }

    /// Some first sectors of a write are there, or some of all.
    private mutating func tear(_ bytes: [UInt8], at position: Int, _ draw: () -> UInt64) {
        if draw() % 2 == 0 {
            let kept = Int(draw() % UInt64(bytes.count + 1))
            return VirtualFileContent.put(Array(bytes[..<kept]), at: position, in: &visible)
        }
        var start = 0
        while start < bytes.count {
            let boundary = VirtualFileContent.sectorBytes - (position + start) % VirtualFileContent.sectorBytes
            let end = min(bytes.count, start + boundary)
            if draw() % 2 == 0 {
                VirtualFileContent.put(Array(bytes[start..<end]), at: position + start, in: &visible)
            }
            start = end
        }
    }

    private mutating func undo(_ change: Change) {
        switch change {
        case .wrote(let position, _, let over, let formerCount):
            visible.removeLast(visible.count - formerCount)
            VirtualFileContent.put(over, at: position, in: &visible)
        case .resized(let from, _, let tail):
            VirtualFileContent.resize(&visible, to: from)
            if !tail.isEmpty { VirtualFileContent.put(tail, at: from - tail.count, in: &visible) }
        }
    }

    private mutating func redo(_ change: Change) {
        switch change {
        case .wrote(let position, let bytes, _, _): VirtualFileContent.put(bytes, at: position, in: &visible)
        case .resized(_, let to, _): VirtualFileContent.resize(&visible, to: to)
        }
    }

    private static func put(_ bytes: [UInt8], at position: Int, in target: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let end = position + bytes.count
        if position == target.count { return target.append(contentsOf: bytes) }
        if target.count < end { resize(&target, to: end) }
        target.replaceSubrange(position..<end, with: bytes)
    }

    private static func resize(_ target: inout [UInt8], to size: Int) {
        if target.count > size {
            target.removeLast(target.count - size)
        } else {
            target.append(contentsOf: [UInt8](repeating: 0, count: size - target.count))
        }
    }
}
