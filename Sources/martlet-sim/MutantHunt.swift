#if MUTANTS
    import Glibc
    import Mutants
    import Simulator

    /// Runs the rooms with one rule broken until an invariant sees it: the fast rooms of the cores first, then whole
    /// clusters.
    struct MutantHunt {
        private let mutant: Mutant
        private let seeds: ClosedRange<UInt64>

        init(_ mutant: Mutant, _ seeds: ClosedRange<UInt64>) {
            self.mutant = mutant
            self.seeds = seeds
        }

        /// Prints a line of a table: the mutant, its room and seed, the invariant, and what it said.
        func run() {
            let isSeen = mutant.rooms.contains { room in
                switch room {
                case .quorum: search(QuorumSimulation.self, room)
                case .membership: search(MembershipSimulation.self, room)
                case .replication: search(ReplicationSimulation.self, room)
                case .cluster: search(ClusterSimulation.self, room)
                }
            }
            if !isSeen { print("| `\(mutant.rawValue)` | none | not in \(seeds.count) | |") }
        }

        private func search<Simulation: SeededSimulation>(_ type: Simulation.Type, _ room: Room) -> Bool {
            // Where a precondition ends the process, this is how one knows where.
            print("room \(room.rawValue)")
            fflush(nil)
            for seed in seeds {
                RunningSeed.begin(seed)
                // The same seed must pass with the rule in force: what fails anyway is no proof.
                guard let failure = failure(type, seed), sound(type, seed) else { continue }
                print("| `\(mutant.rawValue)` | \(room.rawValue) | \(seed) | \(failure.reason) |")
                return true
            }
            return false
        }

        private func failure<Simulation: SeededSimulation>(_ type: Simulation.Type, _ seed: UInt64)
            -> SimulationFailure?
        {
            var simulation = type.init(seed: seed, isTraced: false)
            if let cluster = simulation as? ClusterSimulation, let needed = mutant.neededFault,
                !cluster.plan.faults.contains(needed)
            {
                return nil
            }
            let plan = (simulation as? ClusterSimulation)?.plan
            if mutant.needsTransactions, plan?.transactions == nil { return nil }
            if mutant.needsGroups, plan?.groups == nil { return nil }
            do throws(SimulationFailure) { try simulation.run() } catch { return error }
            return nil
        }

        private func sound<Simulation: SeededSimulation>(_ type: Simulation.Type, _ seed: UInt64) -> Bool {
            Mutant.choose(nil)
            defer { Mutant.choose(mutant) }
            return failure(type, seed) == nil
        }
    }

    extension Mutant {
        /// The fault without which a cluster never comes to the rule; nil where no single one is needed.
        fileprivate var neededFault: ClusterPlan.FaultKind? { self == .absentTrusted ? .rottenLog : nil }

        /// Whether it breaks a rule that only transactions ask for.
        fileprivate var needsTransactions: Bool {
            switch self {
            case .markersBeforeDecision, .decidedForgotten, .completeEarly, .coordinatorEpochUnchecked,
                .epochUnbumped, .verdictUnchecked, .fencedKeepsEpoch, .transactionsUnverified, .stableIsWatermark,
                .uncommittedMarkerCounts, .abortedForgotten, .offsetsCountAtOnce:
                true
            default: false
            }
        }

        /// Whether it breaks a rule that only groups ask for.
        fileprivate var needsGroups: Bool {
            switch self {
            case .coordinatorAnswersAtOnce, .servedUnloaded, .loadedToLaggingWatermark, .uncommittedOffsetRead,
                .oldGenerationCommits, .subscribedOffsetsExpire, .noOffsetIsZero, .handedOverUnrevoked,
                .leftKeepTargets, .silentMembersStay, .sessionsEndAtLoad, .rebalanceUnawaited:
                true
            default: false
            }
        }

        /// The rooms that have the code in which the rule stands, the fastest first.
        fileprivate var rooms: [Room] {
            switch self {
            case .votesTwice, .shorterLogWins, .minorityCommits, .earlierEpochCommitted:
                [.quorum, .membership, .cluster]
            case .voterChangesOverlap, .strangersCount, .voterAddedBehind: [.membership, .cluster]
            case .epochUncached, .cutToWatermark, .divergenceUnseen, .sequencesUnchecked, .repeatAcknowledgedAtOnce,
                .followersForgetProducers, .producersOutliveCut, .recoveryTrustsBytes, .voteUnpersisted,
                .uncommittedMetadata, .controllerAnswersAtOnce, .watermarkUnmarked, .absentTrusted:
                [.cluster]
            case .markersBeforeDecision, .decidedForgotten, .completeEarly, .coordinatorEpochUnchecked,
                .epochUnbumped, .verdictUnchecked, .fencedKeepsEpoch, .transactionsUnverified, .stableIsWatermark,
                .uncommittedMarkerCounts, .abortedForgotten, .offsetsCountAtOnce:
                [.cluster]
            case .coordinatorAnswersAtOnce, .servedUnloaded, .loadedToLaggingWatermark, .uncommittedOffsetRead,
                .oldGenerationCommits, .subscribedOffsetsExpire, .noOffsetIsZero, .handedOverUnrevoked,
                .leftKeepTargets, .silentMembersStay, .sessionsEndAtLoad, .rebalanceUnawaited:
                [.cluster]
            case .cutByLeaderOnly, .divergenceMovesWatermark, .fetchEpochUnchecked, .minInSyncIgnored,
                .onlyConfirmedInSync, .acknowledgedAtOnce, .unflushedCounts, .allIsCommitted, .laggingEndShown,
                .uncommittedOutOfRange, .uncommittedRead, .joinsBehind, .joinsBeforeEpochStart, .formerLifeCounts,
                .unansweredTakenBack, .alterEpochsUnchecked, .alterMembersUnchecked, .uncleanElection,
                .leaderEpochStays, .formerLifeInSync, .everyStopIsClean, .doubtedStaysEligible, .eligibleForGood,
                .candidatesForgotten, .firstCandidateLeads, .onlyCandidatesHeard, .latelySeenUnwaited,
                .foundFencedUnwaited, .fencedInSync, .reassignedBehind:
                [.replication, .cluster]
            }
        }
    }
#endif
