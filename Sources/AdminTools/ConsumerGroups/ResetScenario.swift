import LiveWorld
import Primitives
import World

/// To which offsets a group is to be set.
enum ResetScenario {
    case offset(Int64)
    case shift(Int64)
    case earliest
    case latest
    case current
    /// The first record at that time or later.
    case time(Timestamp)
    case plan(ResetPlan)

    /// - Errors: a value that can't be read.
    init(_ given: GivenOptions) throws(ToolFailure) {
        typealias Options = ConsumerGroupsOptions
        if let offset = try given.number(Options.toOffset, of: Int64.self) {
            self = .offset(offset)
        } else if let distance = try given.number(Options.shiftBy, of: Int64.self) {
            self = .shift(distance)
        } else if let text = try given.text(Options.toDatetime) {
            self = .time(try CalendarText.timestamp(text))
        } else if let text = try given.text(Options.byDuration) {
            let now = SystemClock().timeOfDay.value
            // A time before all times means the first record; as a negative number it would mean something else.
            let age = min(try CalendarText.durationMilliseconds(text), now)
            self = .time(Timestamp(now - age))
        } else if let path = try given.text(Options.fromFile) {
            self = .plan(try ResetPlan(file: path))
        } else if given.has(Options.toEarliest) {
            self = .earliest
        } else if given.has(Options.toLatest) {
            self = .latest
        } else {
            self = .current
        }
    }
}
