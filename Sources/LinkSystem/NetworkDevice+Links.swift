import CLinkShims
import Glibc

/// Interfaces made and deleted. `rtnetlink(7)`.
extension NetworkDevice {
  /// Deletes the interface, whoever has it open. `RTM_DELLINK`.
  package static func delete(_ name: String) throws(SystemError) {
    let label = "rtnetlink(RTM_DELLINK, \(name))"
    // SAFETY: the call reads the name.
    let index = unsafe if_nametoindex(name)
    if index == 0 { throw SystemError(label, errno) }
    try RouteMessage(RouteMessage.deleteLink, index: index, label: label).send()
  }

  /// Makes two virtual Ethernet interfaces: what one sends the other receives. Both are down. `RTM_NEWLINK`, `veth(4)`.
  package static func makePair(_ first: String, _ second: String) throws(SystemError) {
    var message = RouteMessage(
      RouteMessage.newLink, flags: RouteMessage.createExclusively, index: 0,
      label: "rtnetlink(RTM_NEWLINK, \(first), \(second))")
    // IFLA_IFNAME; then IFLA_LINKINFO with IFLA_INFO_KIND and IFLA_INFO_DATA, which has VETH_INFO_PEER.
    message.append(attribute: 3, Array(first.utf8) + [0])
    message.append(attribute: 18) { info in
      info.append(attribute: 1, Array("veth".utf8))
      info.append(attribute: 2) { data in
        data.append(attribute: 1, hasInterface: true) { $0.append(attribute: 3, Array(second.utf8) + [0]) }
      }
    }
    try message.send()
  }
}
