import LinkCore
import LinkSystem

/// Which memory files a link is made of.
public enum FilePolicy: Equatable, Sendable {
  /// Only files that nobody can resize: memfds with `F_SEAL_SHRINK`, `F_SEAL_GROW` and `F_SEAL_SEAL`.
  case sealedOnly
  /// Unsealed memfds and files on a tmpfs as well, as other implementations make them. Whoever shares such a file can take
  /// its memory away at any time, which makes the next access a SIGBUS. So the first link of such files takes that signal
  /// over for the whole process: an access to memory that is gone meets zeros from then on, and the link closes with a
  /// reason. A SIGBUS anywhere else goes to whoever had the signal before.
  ///
  /// The cost: a handler for SIGBUS that is installed later has to pass on what it does not know; a thread of yours that
  /// writes to or steps such a link must not block the signal (a link's own thread sees to that itself); packets under way
  /// when the memory goes may arrive as zeros.
  case unsealedGuarded
}

/// What was found out about a memory file. Throws `badDescriptor` if it cannot be one of a queue's.
struct MemoryFileCheck {
  let byteCount: Int
  let isSealed: Bool

  init(
    _ number: Int32, _ role: String, _ range: ClosedRange<Int>, _ policy: FilePolicy
  ) throws(LinkError) {
    let name = "\(role) descriptor \(number)"
    do { isSealed = try OwnedDescriptor.seals(of: number).isSuperset(of: .fixedSize) } catch {
      throw LinkError(error, "\(name) is not a memory file (memfd)", code: .badDescriptor)
    }
    // After the seals: a size that was asked for earlier need not be the one that they fixed.
    do { byteCount = try OwnedDescriptor.status(of: number).byteCount } catch {
      throw LinkError(error, name, code: .badDescriptor)
    }
    let isHugePages: Bool
    do { isHugePages = try OwnedDescriptor.isHugePages(number) } catch {
      throw LinkError(error, name, code: .badDescriptor)
    }
    if isHugePages {
      throw LinkError(
        .badDescriptor, "\(name) is made of huge pages, which can run out: its maker has to use plain ones")
    }
    guard isSealed || policy == .unsealedGuarded else {
      throw LinkError(
        .badDescriptor,
        "\(name) is not sealed against resizing: its maker has to add F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL, or this side to accept unsealed files (accepting: .unsealedGuarded, --accept-unsealed)"
      )
    }
    guard range.contains(byteCount) else {
      throw LinkError(
        .badDescriptor,
        "\(name) has \(byteCount) bytes: must be \(range.lowerBound) to \(range.upperBound); are the five in wire order?"
      )
    }
  }

  init(pipe number: Int32, _ role: String, _ policy: FilePolicy) throws(LinkError) {
    try self.init(number, role, QueueGeometry.pipeRange, policy)
    let word: UInt64
    do { word = try OwnedDescriptor.firstWord(of: number) } catch {
      throw LinkError(error, "\(role) descriptor \(number)", code: .badDescriptor)
    }
    // A slot's header is never zero, and the first slot is there from the start.
    if word == 0 {
      throw LinkError(.badDescriptor, "\(role) descriptor \(number) is no pipe: are the five in wire order?")
    }
  }
}
