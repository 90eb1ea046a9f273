package main

import (
	"encoding/binary"
	"hash/crc32"

	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// The packet that any peer can check: an IPv4 header, a sequence number, a checksum, a body that follows from the number.
// Documentation/shmpeer.md has it.
const (
	testPacketHeader   = 32
	testPacketProtocol = 253
	addresses          = "\x0a\x00\x00\x01\x0a\x00\x00\x02"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// verdict is what a received packet is.
type verdict int

const (
	valid verdict = iota
	// corrupt is a test packet that was changed on its way.
	corrupt
	// foreign is something else: other traffic, or too short to tell.
	foreign
)

// testPacket makes the packet of this number, framed for the link.
func (l *link) testPacket(sequence uint64) stack.PacketBufferPtr {
	view := bufferv2.NewViewSize(l.opts.size)
	writeTestPacket(view.AsSlice(), sequence, l.opts.check == "crc")
	return l.frame(view)
}

// frame makes a packet of a network layer's bytes.
func (l *link) frame(view *bufferv2.View) stack.PacketBufferPtr {
	packet := stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: int(l.MaxHeaderLength()),
		Payload:            bufferv2.MakeWithView(view),
	})
	packet.NetworkProtocolNumber = header.IPv4ProtocolNumber
	packet.EgressRoute.LocalLinkAddress = l.LinkAddress()
	packet.EgressRoute.RemoteLinkAddress = l.opts.peerEthernet
	l.AddHeader(packet)
	return packet
}

func writeTestPacket(b []byte, sequence uint64, fills bool) {
	for i := range b[:testPacketHeader] {
		b[i] = 0
	}
	b[0], b[8], b[9] = 0x45, 64, testPacketProtocol
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], addresses)
	binary.LittleEndian.PutUint64(b[20:], sequence)
	if fills {
		for i := testPacketHeader; i < len(b); i++ {
			b[i] = byte(sequence + uint64(i))
		}
		binary.LittleEndian.PutUint32(b[28:], crc32.Checksum(b[testPacketHeader:], castagnoli))
	}
}

// checkTestPacket checks a received packet. It may be longer than its own length says: some servers pad. unsummed: it
// has a body, and no sum over it.
func checkTestPacket(packet stack.PacketBufferPtr) (v verdict, sequence uint64, length int, unsummed bool) {
	data := packet.Data()
	b, ok := data.PullUp(testPacketHeader)
	if !ok || b[0] != 0x45 || b[9] != testPacketProtocol || string(b[12:20]) != addresses {
		return foreign, 0, 0, false
	}
	length = int(binary.BigEndian.Uint16(b[2:]))
	if length < testPacketHeader || length > data.Size() {
		return corrupt, 0, 0, false
	}
	sequence = binary.LittleEndian.Uint64(b[20:])
	sum := binary.LittleEndian.Uint32(b[28:])
	if sum != 0 {
		b, _ = data.PullUp(length)
		body := b[testPacketHeader:]
		// The sum covers the body; the body's first byte ties it to the number in front.
		if crc32.Checksum(body, castagnoli) != sum || (len(body) > 0 && body[0] != byte(sequence+testPacketHeader)) {
			return corrupt, 0, 0, false
		}
	}
	return valid, sequence, length, sum == 0 && length > testPacketHeader
}
