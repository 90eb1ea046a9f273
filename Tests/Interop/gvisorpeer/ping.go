package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A ping sends one test packet at a time to an echoing peer. The reply's arrival sends the next one, from gVisor's own
// goroutine: so the times are the link's.
type ping struct {
	nobody
	count uint64
	size  int
	link  *link
	ctx   context.Context
	done  chan error

	mu       sync.Mutex
	sequence uint64
	began    time.Time
	sentAt   time.Time
	times    []time.Duration
	transfer transfer
}

func newPing(o *options) action {
	return &ping{count: o.count, size: o.size, done: make(chan error, 1)}
}

// patience is how long a reply may take.
const patience = 10 * time.Second

// DeliverNetworkPacket implements stack.NetworkDispatcher.
func (p *ping) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, packet stack.PacketBufferPtr) {
	now := time.Now()
	v, sequence, length, unsummed := checkTestPacket(packet)
	p.mu.Lock()
	defer p.mu.Unlock()
	if v == valid && sequence != p.sequence {
		p.transfer.Duplicated++
		return
	}
	p.transfer.count(v, length, unsummed)
	if v == valid {
		p.times = append(p.times, now.Sub(p.sentAt))
		p.sequence++
		p.send()
	}
}

// send sends the packet that is due, or is done.
func (p *ping) send() {
	if p.sequence == p.count {
		p.done <- nil
		return
	}
	var row stack.PacketBufferList
	row.PushBack(p.link.testPacket(p.sequence))
	p.sentAt = time.Now()
	if err := p.link.write(p.ctx, row); err != nil {
		p.done <- err
	}
	row.DecRef()
}

func (p *ping) run(ctx context.Context, l *link) error {
	p.link, p.ctx = l, ctx
	l.Attach(p)
	p.mu.Lock()
	p.began = time.Now()
	p.send()
	p.mu.Unlock()
	for before := ^uint64(0); ; {
		select {
		case err := <-p.done:
			return err
		case <-ctx.Done():
			return why(ctx)
		case <-l.gone:
			return errGone
		case <-time.After(patience):
		}
		p.mu.Lock()
		if p.sequence == before {
			p.transfer.Lost++
			p.mu.Unlock()
			return errors.New("no reply within " + patience.String())
		}
		before = p.sequence
		p.mu.Unlock()
	}
}

func (p *ping) fill(r *report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Mode, r.Size, r.Sent = "ping", &p.size, &p.sequence
	r.setTransfer(p.transfer)
	r.rate(p.transfer.Received, p.transfer.Bytes, time.Since(p.began))
	r.setLatency(p.times)
}
