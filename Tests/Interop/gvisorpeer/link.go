package main

import (
	"context"
	"errors"
	"os/signal"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// An action is what a run does with its link.
type action interface {
	// run attaches to the link and acts until it is done, the peer is gone or ctx is.
	run(ctx context.Context, l *link) error
	// fill writes down what it did and saw.
	fill(r *report)
}

// A link is one of gVisor's endpoints, and how its peer comes and goes.
type link struct {
	stack.LinkEndpoint
	opts *options
	// role is client, server or fd.
	role string
	// gone is closed when the peer is.
	gone chan struct{}
	once sync.Once
}

func newLink(opts *options, role string) *link {
	return &link{opts: opts, role: role, gone: make(chan struct{})}
}

// closed is what gVisor calls when the peer is gone.
func (l *link) closed(tcpip.Error) { l.once.Do(func() { close(l.gone) }) }

var (
	errTimedOut = errors.New("timed out")
	errGone     = errors.New("the link was over before everything was done")
	errSignal   = errors.New("ended by a signal before everything was done")
)

// run does one action to its end, and returns the exit code. The process ends behind it: gVisor's server cannot be stopped
// while no packet comes.
func (l *link) run(a action) int {
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer cancel()
	if l.opts.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, l.opts.timeout)
		defer cancel()
	}
	err := a.run(ctx, l)
	l.sayGoodbye()
	r := report{Role: l.role, CloseReason: "requested"}
	select {
	case <-l.gone:
		r.CloseReason = "peer-disconnected"
	default:
	}
	a.fill(&r)
	return r.publish(err, l.opts.json)
}

// sayGoodbye tells shmpeer that this is an orderly end, as shmpeer does. gVisor takes it for the end, which it is.
func (l *link) sayGoodbye() {
	if l.opts.peerFD >= 0 {
		unix.SendmsgN(l.opts.peerFD, []byte("goodbye"), nil, nil, unix.MSG_NOSIGNAL)
	}
}

// why says what ended a run before its goal.
func why(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return errTimedOut
	}
	return errSignal
}

const (
	// eager is how long a full link is tried again and again before this side sleeps: nothing announces room.
	eager = 50 * time.Microsecond
	pause = 50 * time.Microsecond
)

// write sends all packets, however long that takes.
func (l *link) write(ctx context.Context, packets stack.PacketBufferList) error {
	var fullSince time.Time
	for rest := packets.AsSlice(); len(rest) > 0; {
		var list stack.PacketBufferList
		for _, packet := range rest {
			list.PushBack(packet)
		}
		taken, err := l.WritePackets(list)
		rest = rest[taken:]
		if taken > 0 {
			fullSince = time.Time{}
		}
		if err := failure(err); err != nil {
			return err
		}
		if taken > 0 || len(rest) == 0 {
			continue
		}
		if err := l.whyOver(ctx); err != nil {
			return err
		}
		if fullSince.IsZero() {
			fullSince = time.Now()
		}
		if time.Since(fullSince) < eager {
			runtime.Gosched()
		} else {
			time.Sleep(pause)
		}
	}
	return nil
}

// failure is what a write reports, if it is more than a lack of room.
func failure(err tcpip.Error) error {
	switch err.(type) {
	case nil, *tcpip.ErrWouldBlock, *tcpip.ErrNoBufferSpace:
		return nil
	default:
		return errors.New("write: " + err.String())
	}
}

// whyOver says why nothing can be sent any more; nil: it can.
func (l *link) whyOver(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return why(ctx)
	case <-l.gone:
		return errGone
	default:
		return nil
	}
}
