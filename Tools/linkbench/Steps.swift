import CBaselines
import LinkSystem

/// What a stretch of code executed, instruction by instruction, in a copy of this process that its parent runs in single steps.
struct Steps: Equatable {
  typealias Stretch = cb_stretch

  var instructions: Int
  var fences: Int
  var locked: Int
  var systemCalls: Int

  /// A copy takes 10 µs and more for an instruction: it moves about as many packets, in few rounds. They are all alike.
  static let packets = 64
  static let mostRounds = 2

  /// Calls of the allocator so far; nil under a sanitizer, which has one of its own.
  static var allocations: Int? {
    let count = cb_allocations()
    return count < 0 ? nil : Int(count)
  }

  /// Not under a sanitizer, and not in a build that is not optimised.
  private static var isPossible: Bool {
    #if DEBUG
      false
    #else
      allocations != nil
    #endif
  }

  static func mark(_ stretch: Stretch) { cb_steps_mark(stretch) }

  /// Nil where nobody may look, or where nobody knows the instructions. `work` marks its stretches. This process must have no
  /// other thread that `work` needs: the copy has none.
  static func count(_ work: () throws -> Void) throws -> (sending: Steps, receiving: Steps)? {
    // Who is built otherwise executes something else.
    if !isPossible { return nil }
    let copy = cb_steps_copy()
    if copy == 0 {
      do {
        try work()
        cb_steps_mark(cb_uncounted)
        cb_steps_leave(true)
      } catch {
        cb_steps_mark(cb_uncounted)
        Console.write("linkbench: \(error)", to: .error)
        cb_steps_leave(false)
      }
    }
    guard copy > 0 else { return nil }
    let counts = cb_steps_follow(copy)
    guard counts.is_whole else { throw BenchFailure("the copy whose steps are counted did not come to its end") }
    return (Steps(counts.sending), Steps(counts.receiving))
  }

  private init(_ steps: cb_steps) {
    instructions = Int(steps.instructions)
    fences = Int(steps.fences)
    locked = Int(steps.locked)
    systemCalls = Int(steps.system_calls)
  }
}
