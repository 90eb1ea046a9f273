package main

import (
	"context"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A sink verifies and counts test packets.
type sink struct {
	nobody
	// target: done after so many valid packets; 0: never.
	target uint64
	done   chan struct{}

	mu              sync.Mutex
	tracker         tracker
	transfer        transfer
	firstAt, lastAt time.Time
}

func newSink(o *options) action {
	if o.bare {
		return &bareSink{target: o.count, done: make(chan struct{})}
	}
	return &sink{target: o.count, done: make(chan struct{})}
}

// DeliverNetworkPacket implements stack.NetworkDispatcher.
func (s *sink) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, packet stack.PacketBufferPtr) {
	v, sequence, length, unsummed := checkTestPacket(packet)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.target > 0 && s.transfer.Received == s.target {
		return
	}
	s.lastAt = time.Now()
	if s.firstAt.IsZero() {
		s.firstAt = s.lastAt
	}
	s.transfer.count(v, length, unsummed)
	if v == valid {
		s.tracker.add(sequence)
	}
	if s.transfer.Received == s.target && s.target > 0 {
		close(s.done)
	}
}

func (s *sink) run(ctx context.Context, l *link) error {
	l.Attach(s)
	select {
	case <-s.done:
	case <-ctx.Done():
		if err := why(ctx); err == errTimedOut {
			return err
		}
	case <-l.gone:
		if !s.isDoneInTheEnd(ctx) {
			return errGone
		}
	}
	return nil
}

// calm is how long nothing has come when everything has that a peer left behind. Only who misses
// packets, or has no count of them, waits for it.
const calm = 5 * time.Second

// isDoneInTheEnd takes what the peer sent before it went.
func (s *sink) isDoneInTheEnd(ctx context.Context) bool {
	for {
		s.mu.Lock()
		before := s.transfer
		s.mu.Unlock()
		select {
		case <-s.done:
			return true
		case <-ctx.Done():
			return s.target == 0
		case <-time.After(calm):
		}
		s.mu.Lock()
		isCalm := s.transfer == before
		s.mu.Unlock()
		if isCalm {
			return s.target == 0
		}
	}
}

func (s *sink) fill(r *report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracker.fill(&s.transfer)
	r.Mode = "sink"
	r.setTransfer(s.transfer)
	r.rate(s.transfer.Received, s.transfer.Bytes, s.lastAt.Sub(s.firstAt))
}
