import Eventfd
import LinkCore
import Synchronization

extension DescriptorGroup {
  func write(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int {
    links.count == 1 ? try lead.write(packets, as: self) : try distribute(packets)
  }

  /// Each packet goes to the descriptor that its flow hash chooses, so that flows stay in order. What goes to one
  /// descriptor and follows on each other is written together; the write ends at the first packet whose descriptor is full.
  @inline(never) private func distribute(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int {
    guard runner.isAttached else { throw runner.refusal() }
    var accepted = 0
    var next = packets.isEmpty ? 0 : position(of: packets[0])
    while accepted < packets.count {
      let chosen = next
      var end = accepted + 1
      while end < packets.count {
        next = position(of: packets[end])
        if next != chosen { break }
        end += 1
      }
      do throws(LinkError) {
        accepted += try write(packets.extracting(accepted..<end), to: links[chosen])
      } catch {
        if accepted == 0 { throw error }
        return accepted
      }
      if accepted < end { return accepted }
    }
    return accepted
  }

  private func write(_ packets: Span<PacketBuffer>, to link: DescriptorLink) throws(LinkError) -> Int {
    // What ends the lead ends the whole.
    link === lead ? try link.write(packets, as: self) : try link.write(packets, as: link)
  }

  private func position(of packet: borrowing PacketBuffer) -> Int {
    Int(packet.flowHash(headerLength: lead.framing.headerLength) % UInt32(truncatingIfNeeded: links.count))
  }

  var statistics: LinkStatistics {
    links.dropFirst().reduce(lead.statistics) { sum, link in
      let one = link.statistics
      return LinkStatistics(received: sum.received + one.received, sent: sum.sent + one.sent)
    }
  }

  var mtu: Int {
    get { lead.mtu.load(ordering: .relaxed) }
    set { for link in links { link.mtu.store(newValue, ordering: .relaxed) } }
  }
}
