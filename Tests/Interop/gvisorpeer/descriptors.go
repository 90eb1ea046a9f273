package main

import (
	"fmt"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
)

// overDescriptors makes an endpoint over descriptors that keep packet boundaries. gVisor makes them non-blocking.
func overDescriptors(opts *options) (*link, error) {
	mode := map[string]fdbased.PacketDispatchMode{"readv": fdbased.Readv, "recvmmsg": fdbased.RecvMMsg}
	dispatch, isKnown := mode[opts.dispatch]
	if !isKnown {
		return nil, fmt.Errorf("--dispatch %q: must be readv or recvmmsg", opts.dispatch)
	}
	l := newLink(opts, "fd")
	endpoint, err := fdbased.New(&fdbased.Options{
		FDs:                opts.fds,
		MTU:                uint32(opts.mtu),
		EthernetHeader:     opts.ethernet != "",
		Address:            opts.ethernet,
		PacketDispatchMode: dispatch,
		ClosedFunc:         l.closed,
	})
	if err != nil {
		return nil, err
	}
	l.LinkEndpoint = endpoint
	for _, fd := range opts.fds {
		go l.watch(fd)
	}
	return l, nil
}

// watch waits for the end of a socket's peer. With recvmmsg and bare IP gVisor takes the end of a seqpacket socket for empty
// packets without end, and calls nobody.
func (l *link) watch(fd int) {
	for {
		events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if n, err := unix.Poll(events, -1); n > 0 || (err != nil && err != unix.EINTR) {
			l.closed(nil)
			return
		}
	}
}
