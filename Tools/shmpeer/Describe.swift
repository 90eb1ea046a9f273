import FDLink
import LinkCore
import LinkSystem

/// `--describe`: what a link over descriptors is made of.
extension Session {
  /// Writes it to standard error, and returns it for the report; nil where nobody asked, or the link is another one.
  func description(of link: any LinkEndpoint, _ what: String) -> JSONLine? {
    guard options.describes, let link = link as? FDEndpoint else { return nil }
    let description = link.describe()
    for line in "\(description)".split(separator: "\n") { Console.write("shmpeer: \(what): \(line)", to: .error) }
    return description.json
  }
}

extension FDEndpoint.Description {
  var json: JSONLine {
    var line = JSONLine()
    line["device"] = deviceName.map { .text($0) }
    line["mtu"] = .integer(UInt64(mtu))
    line["descriptors"] = .list(descriptors.map(\.json))
    return line
  }
}

extension FDEndpoint.Description.Descriptor {
  var json: JSONLine {
    var line = JSONLine()
    line["number"] = .integer(UInt64(number))
    line["dispatch"] = Dispatch.allCases.first { $0.mode == dispatchMode }.map { .text($0.rawValue) }
    line["ring_blocks"] = ring.map { .integer(UInt64($0.blockCount)) }
    line["ring_block_bytes"] = ring.map { .integer(UInt64($0.blockByteCount)) }
    line["receive_buffer_bytes"] = receiveBufferByteCount.map { .integer(UInt64($0)) }
    line["send_buffer_bytes"] = sendBufferByteCount.map { .integer(UInt64($0)) }
    line["fanout_group"] = fanoutGroup.map { .integer(UInt64($0)) }
    return line
  }
}
