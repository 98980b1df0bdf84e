/// What a pattern says, before it becomes a program.
indirect enum ExpressionTree: Hashable, Sendable {
    case nothing
    case character(CharacterSet128)
    case place(ExpressionPlace)
    case sequence([ExpressionTree])
    case choice([ExpressionTree])
    /// At least `min` times; without a `max` as often as there is text.
    case repetition(ExpressionTree, min: Int, max: Int?)
}

/// A condition on a place between two characters.
enum ExpressionPlace: Hashable, Sendable {
    case start
    case end
    case wordBoundary
    case noWordBoundary
}

/// One step of a program.
enum ExpressionStep: Hashable, Sendable {
    /// Takes one character, and goes on with the next step.
    case take(CharacterSet128)
    case require(ExpressionPlace)
    case jump(Int)
    /// Goes on at both.
    case fork(Int, Int)
    case accept
}

/// Turns a tree into a program.
struct ExpressionCompiler {
    private var steps: [ExpressionStep] = []
    /// Where to say that the pattern is too large.
    private let end: Int

    init(end: Int) { self.end = end }

    func finish() -> [ExpressionStep] { steps + [.accept] }

    private mutating func add(_ step: ExpressionStep) throws(TopicExpression.Mistake) {
        guard steps.count < TopicExpression.stepsMax else {
            throw TopicExpression.Mistake(reason: "the pattern is too large", position: end)
        }
        steps.append(step)
    }

    mutating func compile(_ tree: ExpressionTree) throws(TopicExpression.Mistake) {
        switch tree {
        case .nothing: break
        case .character(let set): try add(.take(set))
        case .place(let place): try add(.require(place))
        case .sequence(let parts): for part in parts { try compile(part) }
        case .choice(let branches): try compile(choice: branches)
        case .repetition(let body, let min, let max): try compile(body, min: min, max: max)
        }
    }

    private mutating func compile(choice branches: [ExpressionTree]) throws(TopicExpression.Mistake) {
        var exits: [Int] = []
        for (index, branch) in branches.enumerated() {
            guard index < branches.count - 1 else {
                try compile(branch)
                break
            }
            let fork = steps.count
            try add(.fork(fork + 1, fork + 1))
            try compile(branch)
            exits.append(steps.count)
            try add(.jump(0))
            steps[fork] = .fork(fork + 1, steps.count)
        }
        for exit in exits { steps[exit] = .jump(steps.count) }
    }

    private mutating func compile(
        _ body: ExpressionTree, min: Int, max: Int?
    ) throws(TopicExpression.Mistake) {
        for _ in 0..<min {
            let before = steps.count
            try compile(body)
            // What takes nothing takes nothing however often: counts that multiply would keep the compiler for ever.
            if steps.count == before { return }
        }
        guard let max else {
            let fork = steps.count
            try add(.fork(fork + 1, fork + 1))
            try compile(body)
            try add(.jump(fork))
            steps[fork] = .fork(fork + 1, steps.count)
            return
        }
        var forks: [Int] = []
        for _ in min..<Swift.max(min, max) {
            forks.append(steps.count)
            try add(.fork(steps.count + 1, steps.count + 1))
            try compile(body)
        }
        for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
    }
}

/// One match: the set of steps at which it may be, character by character.
struct ExpressionRun {
    private let steps: [ExpressionStep]
    private var present: [Int] = []
    private var next: [Int] = []
    /// The place at which a step was reached last; a step is looked at once for each place.
    private var reachedAt: [Int]
    private var pending: [Int] = []

    init(_ steps: [ExpressionStep]) {
        self.steps = steps
        reachedAt = [Int](repeating: -1, count: steps.count)
    }

    mutating func matches(_ text: [UInt8]) -> Bool {
        reach(0, at: 0, in: text)
        for (index, byte) in text.enumerated() {
            swap(&present, &next)
            next.removeAll(keepingCapacity: true)
            if present.isEmpty { return false }
            for step in present {
                guard case .take(let set) = steps[step], set.contains(byte) else { continue }
                reach(step + 1, at: index + 1, in: text)
            }
        }
        return next.contains { steps[$0] == .accept }
    }

    /// Adds a step and all that is reached from it without taking a character.
    private mutating func reach(_ first: Int, at place: Int, in text: [UInt8]) {
        pending.append(first)
        while let step = pending.popLast() {
            guard reachedAt[step] != place else { continue }
            reachedAt[step] = place
            switch steps[step] {
            case .take, .accept: next.append(step)
            case .jump(let target): pending.append(target)
            case .fork(let one, let other): pending += [one, other]
            case .require(let condition): if holds(condition, at: place, in: text) { pending.append(step + 1) }
            }
        }
    }

    private func holds(_ condition: ExpressionPlace, at place: Int, in text: [UInt8]) -> Bool {
        switch condition {
        case .start: place == 0
        case .end: place == text.count
        case .wordBoundary: isWordBoundary(place, text)
        case .noWordBoundary: !isWordBoundary(place, text)
        }
    }

    private func isWordBoundary(_ place: Int, _ text: [UInt8]) -> Bool {
        let before = place > 0 && ExpressionClasses.word.contains(text[place - 1])
        let after = place < text.count && ExpressionClasses.word.contains(text[place])
        return before != after
    }
}
