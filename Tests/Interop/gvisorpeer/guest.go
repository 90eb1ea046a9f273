package main

import (
	"fmt"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/sharedmem"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// guestLink makes gVisor's end of a link: tx and rx are the five descriptors of each queue, in the order they came in,
// peer is this process's end of the socket. address is empty where frames are bare IP packets. gone is called when the
// host has gone away.
func guestLink(tx, rx []int, peer int, mtu uint32, address tcpip.LinkAddress, gone func()) (stack.LinkEndpoint, error) {
	txQueue, err := sharedmem.QueueConfigFromFDs(tx)
	if err != nil {
		return nil, err
	}
	rxQueue, err := sharedmem.QueueConfigFromFDs(rx)
	if err != nil {
		return nil, err
	}
	// gVisor's endpoint expects this and does not see to it: a read that blocks would stop the whole process, because Go
	// does not know of it.
	for _, fd := range []int{tx[1], rx[1], peer} {
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
	}
	link, err := sharedmem.New(sharedmem.Options{
		MTU: mtu,
		// This end decides how the memory is cut; the host is told.
		BufferSize:  2048,
		LinkAddress: address,
		TX:          txQueue,
		RX:          rxQueue,
		// Without a peer this has to be -1: what is left out is 0, standard input.
		PeerFD:   peer,
		OnClosed: func(tcpip.Error) { gone() },
		// Left out: RXChecksumOffload and TXChecksumOffload. The host's packets are complete, and this stack's have to be.
	})
	if err != nil {
		return nil, err
	}
	// The memory is mapped, and rx's event duplicated: these are not needed any more. tx's event and the peer are.
	for _, fd := range []int{tx[0], tx[2], tx[3], tx[4], rx[0], rx[1], rx[2], rx[3], rx[4]} {
		unix.Close(fd)
	}
	return link, nil
}

// guestStack makes a network stack with one interface, on the link, through which everything goes.
func guestStack(link stack.LinkEndpoint, addresses []tcpip.AddressWithPrefix) (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{
			tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6,
		},
	})
	// Packets for which the link has no room are lost: TCP recovers better with it.
	sack := tcpip.TCPSACKEnabled(true)
	if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack); err != nil {
		return nil, fmt.Errorf("SACK: %s", err)
	}
	// This attaches the endpoint: its goroutine posts the buffers that the host fills.
	if err := s.CreateNIC(1, link); err != nil {
		return nil, fmt.Errorf("interface: %s", err)
	}
	for _, address := range addresses {
		protocol, any := ipv4.ProtocolNumber, tcpip.Address(make([]byte, 4))
		if len(address.Address) == 16 {
			protocol, any = ipv6.ProtocolNumber, tcpip.Address(make([]byte, 16))
		}
		full := tcpip.ProtocolAddress{Protocol: protocol, AddressWithPrefix: address}
		if err := s.AddProtocolAddress(1, full, stack.AddressProperties{}); err != nil {
			return nil, fmt.Errorf("address %s: %s", address, err)
		}
		all := tcpip.AddressWithPrefix{Address: any}
		s.AddRoute(tcpip.Route{Destination: all.Subnet(), NIC: 1})
	}
	return s, nil
}
