/// What is mounted where in this container: the text of `/proc/self/mountinfo`.
package struct MountTable: Sendable {
    private struct Mount {
        var point: String
        var root: String
        var fileSystem: String
    }

    private let mounts: [Mount]

    package init(parsing text: String) {
        // 36 35 98:0 /root /point options [optional fields] - type source options
        mounts = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { return nil }
            return Mount(point: fields[4], root: fields[3], fileSystem: fields[dash + 1])
        }
    }

    /// Why what is written to the directory may be lost with the container; nil where it is safe.
    package func risk(of directory: String) -> String? {
        guard
            let mount = mounts.filter({ MountTable.covers($0.point, directory) }).max(by: {
                $0.point.count < $1.point.count
            })
        else { return nil }
        let remedy = "Name a volume to keep it: `volumes: [\"data:\(directory)\"]` (docker run -v data:\(directory))"
        if ["tmpfs", "ramfs"].contains(mount.fileSystem) {
            return "\(directory) is in memory: the data is lost when the container stops. \(remedy)"
        }
        if mount.point == "/", ["overlay", "aufs", "fuse-overlayfs"].contains(mount.fileSystem) {
            return "\(directory) is not on a volume: the data is lost with the container. \(remedy)"
        }
        if MountTable.isAnonymous(mount.root) {
            return "\(directory) is on a volume without a name: the data is lost with the container "
                + "(docker rm -v, docker compose down -v). \(remedy)"
        }
        return nil
    }

    private static func covers(_ point: String, _ directory: String) -> Bool {
        point == "/" || directory == point || directory.hasPrefix(point + "/")
    }

    /// The engine names such a volume with 64 hexadecimal digits, and keeps it in `…/volumes/NAME/_data`.
    private static func isAnonymous(_ root: String) -> Bool {
        let parts = root.split(separator: "/")
        guard parts.count >= 2, parts.last == "_data" else { return false }
        let name = parts[parts.count - 2]
        return name.count == 64 && name.allSatisfy { $0.isHexDigit }
    }
}
