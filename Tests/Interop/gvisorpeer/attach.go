package main

import (
	"fmt"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/link/sharedmem"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// attach makes one of the two endpoints in shared memory. gVisor's server takes the client's names of the queues too.
func attach(opts *options) (*link, error) {
	var endpoint func(sharedmem.Options) (stack.LinkEndpoint, error)
	switch opts.role {
	case "client":
		endpoint = sharedmem.New
	case "server":
		endpoint = sharedmem.NewServerEndpoint
	default:
		return nil, fmt.Errorf("--role %q: must be client or server", opts.role)
	}
	tx, rx, err := queues(opts)
	if err != nil {
		return nil, err
	}
	// gVisor reads from them as from non-blocking ones, and leaves it to its caller that they are.
	for _, fd := range []int{tx.EventFD.FD(), rx.EventFD.FD(), opts.peerFD} {
		if fd < 0 {
			continue
		}
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
	}
	l := newLink(opts, opts.role)
	l.LinkEndpoint, err = endpoint(sharedmem.Options{
		MTU:         uint32(opts.mtu),
		BufferSize:  uint32(opts.bufferSize),
		LinkAddress: opts.ethernet,
		TX:          tx,
		RX:          rx,
		PeerFD:      opts.peerFD,
		OnClosed:    l.closed,
	})
	return l, err
}

// queues are the inherited ones, or new ones whose descriptors the peer gets.
func queues(opts *options) (tx, rx sharedmem.QueueConfig, err error) {
	if opts.makesQueues {
		return makeQueues(opts.peerFD)
	}
	if tx, err = sharedmem.QueueConfigFromFDs(opts.txFDs); err != nil {
		return tx, rx, fmt.Errorf("--tx-fds: %w", err)
	}
	if rx, err = sharedmem.QueueConfigFromFDs(opts.rxFDs); err != nil {
		return tx, rx, fmt.Errorf("--rx-fds: %w", err)
	}
	return tx, rx, nil
}

func makeQueues(socket int) (tx, rx sharedmem.QueueConfig, err error) {
	pair, err := sharedmem.NewQueuePair(sharedmem.QueueOptions{})
	if err != nil {
		return tx, rx, err
	}
	tx, rx = pair.TXQueueConfig(), pair.RXQueueConfig()
	if err := unix.Sendmsg(socket, []byte("queues"), unix.UnixRights(append(tx.FDs(), rx.FDs()...)...), nil, 0); err != nil {
		return tx, rx, fmt.Errorf("--peer-fd %d: %w", socket, err)
	}
	return tx, rx, nil
}
