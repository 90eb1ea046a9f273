package main

import (
	"context"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A source sends test packets, as fast as the peer takes them.
type source struct {
	count uint64
	size  int
	batch int
	sent  uint64
	took  time.Duration
}

func newSource(o *options) action {
	s := source{count: o.count, size: o.size, batch: o.batch}
	if o.bare {
		return &bareSource{source: s}
	}
	return &s
}

func (s *source) run(ctx context.Context, l *link) error {
	l.Attach(nobody{})
	began := time.Now()
	defer func() { s.took = time.Since(began) }()
	for s.sent < s.count {
		var row stack.PacketBufferList
		for i := 0; i < s.batch && s.sent+uint64(i) < s.count; i++ {
			row.PushBack(l.testPacket(s.sent + uint64(i)))
		}
		err := l.write(ctx, row)
		count := uint64(row.Len())
		row.DecRef()
		if err != nil {
			return err
		}
		s.sent += count
		if ctx.Err() != nil {
			return why(ctx)
		}
	}
	return nil
}

func (s *source) fill(r *report) {
	r.Mode, r.Size, r.Sent = "source", &s.size, &s.sent
	r.rate(s.sent, s.sent*uint64(s.size), s.took)
}

// nobody takes what a side that only sends receives.
type nobody struct{}

func (nobody) DeliverNetworkPacket(tcpip.NetworkProtocolNumber, stack.PacketBufferPtr)    {}
func (nobody) DeliverLinkPacket(tcpip.NetworkProtocolNumber, stack.PacketBufferPtr, bool) {}
