package main

import (
	"context"
	"runtime"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// What --bare makes of a source and a sink: gVisor's endpoints with as little as possible around them, to be measured.

// A bareSource sends the same packets again and again: an endpoint looks at a packet, and leaves it as it is.
type bareSource struct {
	source
	// rows[n] has n packets. All are alike, so any n are as good as those that were refused.
	rows []stack.PacketBufferList
}

func (s *bareSource) run(ctx context.Context, l *link) error {
	l.Attach(nobody{})
	s.rows = make([]stack.PacketBufferList, s.batch+1)
	for i := 0; i < s.batch; i++ {
		packet := l.testPacket(uint64(i))
		for n := i + 1; n <= s.batch; n++ {
			s.rows[n].PushBack(packet)
		}
	}
	began := time.Now()
	defer func() { s.took = time.Since(began) }()
	for s.sent < s.count {
		row := s.count - s.sent
		if row > uint64(s.batch) {
			row = uint64(s.batch)
		}
		if err := s.send(ctx, l, row); err != nil {
			return err
		}
		s.sent += row
	}
	return nil
}

// send looks without end for the room that nothing announces.
func (s *bareSource) send(ctx context.Context, l *link, rest uint64) error {
	for {
		taken, err := l.WritePackets(s.rows[rest])
		if err := failure(err); err != nil {
			return err
		}
		if rest -= uint64(taken); rest == 0 {
			return nil
		}
		if taken > 0 {
			continue
		}
		if err := l.whyOver(ctx); err != nil {
			return err
		}
		runtime.Gosched()
	}
}

// A bareSink counts the packets and bytes of a number of packets, and reads the clock at the first and at the last one.
type bareSink struct {
	nobody
	target, received, bytes uint64
	firstAt, lastAt         time.Time
	done                    chan struct{}
}

// DeliverNetworkPacket implements stack.NetworkDispatcher.
func (s *bareSink) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, packet stack.PacketBufferPtr) {
	if s.received == s.target {
		return
	}
	if s.received == 0 {
		s.firstAt = time.Now()
	}
	s.received++
	s.bytes += uint64(packet.Data().Size())
	if s.received == s.target {
		s.lastAt = time.Now()
		close(s.done)
	}
}

func (s *bareSink) run(ctx context.Context, l *link) error {
	l.Attach(s)
	gone := l.gone
	var calmed <-chan time.Time
	for {
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return why(ctx)
		case <-gone:
			// What the peer sent before it went may be on its way.
			gone, calmed = nil, time.After(calm)
		case <-calmed:
			return errGone
		}
	}
}

func (s *bareSink) fill(r *report) {
	r.Mode = "sink"
	select {
	case <-s.done:
		r.Received = &s.received
		r.rate(s.received, s.bytes, s.lastAt.Sub(s.firstAt))
	default:
		// The endpoint counts on.
	}
}
