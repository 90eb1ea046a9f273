package main

import (
	"context"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// An echo sends back every packet, with the addresses of its Ethernet header exchanged. While the peer reads nothing it
// waits, and so does the goroutine that receives.
type echo struct {
	nobody
	link *link
	ctx  context.Context

	mu              sync.Mutex
	received, sent  uint64
	bytes           uint64
	firstAt, lastAt time.Time
}

func newEcho(*options) action { return &echo{} }

// DeliverNetworkPacket implements stack.NetworkDispatcher.
func (e *echo) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, packet stack.PacketBufferPtr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastAt = time.Now()
	if e.firstAt.IsZero() {
		e.firstAt = e.lastAt
	}
	e.received++
	e.bytes += uint64(packet.Data().Size())
	var row stack.PacketBufferList
	row.PushBack(e.reply(packet))
	if e.link.write(e.ctx, row) == nil {
		e.sent++
	}
	row.DecRef()
}

func (e *echo) reply(packet stack.PacketBufferPtr) stack.PacketBufferPtr {
	reply := stack.NewPacketBuffer(stack.PacketBufferOptions{
		ReserveHeaderBytes: int(e.link.MaxHeaderLength()),
		Payload:            bufferv2.MakeWithView(packet.Data().AsRange().ToView()),
	})
	reply.NetworkProtocolNumber = header.IPv4ProtocolNumber
	if frame := header.Ethernet(packet.LinkHeader().Slice()); len(frame) > 0 {
		reply.EgressRoute.LocalLinkAddress = frame.DestinationAddress()
		reply.EgressRoute.RemoteLinkAddress = frame.SourceAddress()
	}
	e.link.AddHeader(reply)
	return reply
}

func (e *echo) run(ctx context.Context, l *link) error {
	e.link, e.ctx = l, ctx
	l.Attach(e)
	select {
	case <-ctx.Done():
		if err := why(ctx); err == errTimedOut {
			return err
		}
	case <-l.gone:
	}
	return nil
}

func (e *echo) fill(r *report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.Mode, r.Received, r.Sent = "echo", &e.received, &e.sent
	r.rate(e.received, e.bytes, e.lastAt.Sub(e.firstAt))
}
