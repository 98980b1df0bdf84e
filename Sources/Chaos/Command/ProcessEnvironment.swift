import Glibc

/// What this process was started with.
enum ProcessEnvironment {
    /// The directory that relative paths begin at.
    static var workingDirectory: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let found = unsafe buffer.withUnsafeMutableBufferPointer { unsafe getcwd($0.baseAddress, $0.count) }
        guard unsafe found != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
