package import Primitives

/// Something that happened to a group, as its coordinator saw it.
package struct GroupEvent: Hashable, Sendable {
    /// What happened; the names are what `consumer-groups --describe --timeline` prints.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case joined
        /// A static member came under a new id: the one that had its instance id is fenced.
        case replaced
        /// By itself.
        case left
        /// A static member of the consumer protocol that says that it comes back: its partitions wait for it.
        case away
        /// By an administrator.
        case removed
        /// Not heard of within its session timeout.
        case sessionExpired = "session-expired"
        /// Did not join again, or give up what it had to, within its rebalance timeout (`max.poll.interval.ms`).
        case rejoinMissed = "rejoin-missed"
        /// Did not fetch its assignment in time.
        case syncMissed = "sync-missed"
        /// The group has become too large for it.
        case crowdedOut = "crowded-out"
        /// Spoke in an epoch or generation, or under an id, that is not valid any more.
        case fenced
        /// The same in a commit of offsets, which was not taken.
        case commitRefused = "commit-refused"
        /// A rebalance began: the members of a classic group are to join, or a consumer group has a new epoch.
        case rebalance
        /// All members of a classic group have joined: a new generation begins.
        case generation
        /// A rebalance is over: each member has its share.
        case stable
        /// Nobody is left.
        case empty
        /// A classic group became one of the consumer protocol.
        case upgraded
        /// A group of the consumer protocol became classic.
        case downgraded
    }

    /// A member as a person recognises it.
    package struct Member: Hashable, Sendable {
        package let id: String
        package var instanceID: String?
        package var clientID: String
        package var clientHost: String

        /// Long names of clients are cut.
        package init(id: String, instanceID: String? = nil, clientID: String = "", clientHost: String = "") {
            self.id = GroupEvent.cut(id)
            self.instanceID = instanceID.map(GroupEvent.cut)
            self.clientID = GroupEvent.cut(clientID)
            self.clientHost = clientHost
        }
    }

    package let kind: Kind
    /// The member that it is about; nil where that is the group.
    package var member: Member?
    /// The generation or group epoch after it; nil where it tells nothing of it.
    package var epoch: Int32?
    /// How many members the group has then.
    package var memberCount: Int?
    /// In words: what the client gave as its reason, or what the coordinator knows.
    package var reason: String?
    /// When it happened, by the calendar; the last time where it did more than once. Set as it is kept.
    package internal(set) var time = Timestamp(0)
    /// How long the rebalance that it ended took; nil where it ended none. Set as it is kept.
    package internal(set) var tookMilliseconds: Int64?
    /// How often it happened in a row.
    package internal(set) var count = 1

    package init(
        _ kind: Kind, _ member: Member? = nil, epoch: Int32? = nil, memberCount: Int? = nil, reason: String? = nil
    ) {
        self.kind = kind
        self.member = member
        self.epoch = epoch
        self.memberCount = memberCount
        self.reason = reason.map(GroupEvent.cut)
    }

    /// The most characters of a text that a client chose.
    private static let textMax = 120

    private static func cut(_ text: String) -> String {
        text.utf8.count <= textMax ? text : String(text.prefix(textMax))
    }

    /// True where the other one only says the same again.
    func repeats(_ other: GroupEvent) -> Bool {
        guard kind == .fenced || kind == .commitRefused else { return false }
        return kind == other.kind && member == other.member && reason == other.reason
    }
}

extension GroupEvent.Member {
    init(_ member: ClassicMember) {
        self.init(
            id: member.id, instanceID: member.instanceID, clientID: member.clientID, clientHost: member.clientHost)
    }

    init(_ member: ConsumerMember) {
        self.init(
            id: member.id, instanceID: member.instanceID, clientID: member.clientID, clientHost: member.clientHost)
    }
}
