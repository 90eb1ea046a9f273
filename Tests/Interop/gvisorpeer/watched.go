package main

import (
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// watchedLink looks at what comes from the host, on its way to the stack.
type watchedLink struct {
	nested.Endpoint
	packets, largest, tooLarge atomic.Int64
	mtu                        int
}

func watch(link stack.LinkEndpoint) *watchedLink {
	w := &watchedLink{mtu: int(link.MTU())}
	w.Endpoint.Init(link, w)
	return w
}

func (w *watchedLink) DeliverNetworkPacket(protocol tcpip.NetworkProtocolNumber, pkt stack.PacketBufferPtr) {
	n := pkt.Data().Size()
	w.packets.Add(1)
	if int64(n) > w.largest.Load() {
		w.largest.Store(int64(n))
	}
	if n > w.mtu {
		w.tooLarge.Add(1)
	}
	w.Endpoint.DeliverNetworkPacket(protocol, pkt)
}

// count writes down what came, and what should not have. The stack checks every checksum itself.
func (w *watchedLink) count(s *stack.Stack, facts map[string]any) {
	stats := s.Stats()
	facts["packets"], facts["largest"], facts["too_large"] = w.packets.Load(), w.largest.Load(), w.tooLarge.Load()
	facts["bad_checksums"] = stats.TCP.ChecksumErrors.Value() + stats.UDP.ChecksumErrors.Value() +
		stats.ICMP.V4.PacketsReceived.Invalid.Value() + stats.ICMP.V6.PacketsReceived.Invalid.Value()
	facts["malformed"] = stats.IP.MalformedPacketsReceived.Value() + stats.TCP.InvalidSegmentsReceived.Value() +
		stats.UDP.MalformedPacketsReceived.Value()
	facts["retransmissions"] = stats.TCP.Retransmits.Value()
}
