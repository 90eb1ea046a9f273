import Glibc
import LinkSystem

func openFile(_ path: String, _ flags: CInt) throws -> OwnedDescriptor {
  // SAFETY: the call reads the path.
  OwnedDescriptor(owning: try systemCall("open(\(path))") { unsafe open(path, flags | O_CLOEXEC) })
}

/// What a file has at its end, at most `limit` bytes of it, or at its beginning where it has no size, as files of /proc.
func text(of descriptor: CInt, limit: Int = 1 << 16) -> String {
  let byteCount = (try? OwnedDescriptor.status(of: descriptor).byteCount) ?? 0
  var bytes = [UInt8](repeating: 0, count: limit)
  // SAFETY: the call writes within the array.
  let count = unsafe bytes.withUnsafeMutableBytes { buffer in
    unsafe pread(descriptor, buffer.baseAddress, buffer.count, max(0, byteCount - limit))
  }
  return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}

extension VictimUsage {
  /// What a process holds; nil once it is gone.
  package init?(ofProcess process: CInt) {
    var clock = clockid_t()
    var time = timespec()
    // SAFETY: live locals.
    guard unsafe clock_getcpuclockid(process, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else { return nil }
    guard let statm = try? openFile("/proc/\(process)/statm", O_RDONLY) else { return nil }
    let pages = text(of: statm.number).split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    self.init(
      descriptorCount: entries("/proc/\(process)/fd").count, residentByteCount: pages * 4096,
      processorNanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec),
      busyNanoseconds: entries("/proc/\(process)/task").reduce(0) { $0 + busyTime("/proc/\(process)/task/\($1)") })
  }
}

/// How long a thread ran, and waited for a processor to run on: the first two numbers of its schedstat.
private func busyTime(_ path: String) -> UInt64 {
  guard let file = try? openFile("\(path)/schedstat", O_RDONLY) else { return 0 }
  return text(of: file.number).split(separator: " ").prefix(2).reduce(0) { $0 + (UInt64($1) ?? 0) }
}

private func entries(_ path: String) -> [String] {
  var names: [String] = []
  // SAFETY: the directory is closed below and not used behind that; each entry is copied before the next is read.
  guard let directory = unsafe opendir(path) else { return [] }
  while let entry = unsafe readdir(directory) {
    unsafe withUnsafeBytes(of: entry.pointee.d_name) { name in
      unsafe names.append(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
    }
  }
  _ = unsafe closedir(directory)
  return names.filter { !$0.hasPrefix(".") }
}

/// How a process ended, and its processor time; nil while it runs. `wait4(2)`.
func endOf(_ process: CInt) -> (status: CInt, processorNanoseconds: UInt64, peakByteCount: Int)? {
  var status: CInt = 0
  var usage = rusage()
  // SAFETY: live locals.
  guard unsafe wait4(process, &status, WNOHANG, &usage) == process else { return nil }
  let microseconds = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + $1.tv_sec * 1_000_000 + Int($1.tv_usec) }
  return (status, UInt64(microseconds) * 1000, usage.ru_maxrss * 1024)
}
