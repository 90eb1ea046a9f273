package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// handedQueues is what a server of queues hands over.
type handedQueues struct {
	tx, rx []int
	peer   int
	mtu    uint32
}

// receiveQueues does the guest's part of the hand-over (WireFormat.md): hello, offer with ten descriptors, answer. The
// socket is the link's peer from then on.
func receiveQueues(path string, isEthernet bool) (queues handedQueues, err error) {
	queues.peer, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return queues, err
	}
	if err := unix.Connect(queues.peer, &unix.SockaddrUnix{Name: path}); err != nil {
		return queues, fmt.Errorf("%s: %w", path, err)
	}
	// This side is the client, and takes no offloads: gVisor's endpoint has none.
	if err := sendMessage(queues.peer, struct{ Role, Offloads uint32 }{0, 0}); err != nil {
		return queues, err
	}
	message, ancillary := make([]byte, 128), make([]byte, unix.CmsgSpace(16*4))
	n, ancillaryCount, _, _, err := unix.Recvmsg(queues.peer, message, ancillary, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return queues, err
	}
	var offer struct {
		Magic                        [6]byte
		Version                      uint16
		MTU, BufferSize, Flags, Role uint32
		Sizes                        [8]uint32
	}
	if err := binary.Read(bytes.NewReader(message[:n]), binary.LittleEndian, &offer); err != nil {
		return queues, fmt.Errorf("no offer, but %d bytes: the server is busy, or another", n)
	}
	var flags uint32
	if isEthernet {
		flags = 1
	}
	if string(offer.Magic[:]) != "SWLINK" || offer.Version != 1 || offer.Flags != flags || offer.Role != 0 {
		return queues, fmt.Errorf("an offer that this guest does not take: %+v", offer)
	}
	control, err := unix.ParseSocketControlMessage(ancillary[:ancillaryCount])
	if err != nil || len(control) != 1 {
		return queues, fmt.Errorf("an offer without descriptors: %v", err)
	}
	fds, err := unix.ParseUnixRights(&control[0])
	if err != nil || len(fds) != 10 {
		return queues, fmt.Errorf("an offer with %d descriptors: %v", len(fds), err)
	}
	queues.tx, queues.rx, queues.mtu = fds[:5], fds[5:], offer.MTU
	const accepted = 0
	return queues, sendMessage(queues.peer, struct{ Verdict uint32 }{accepted})
}

func sendMessage(socket int, content any) error {
	var message bytes.Buffer
	message.WriteString("SWLINK\x01\x00")
	binary.Write(&message, binary.LittleEndian, content)
	return unix.Send(socket, message.Bytes(), 0)
}
