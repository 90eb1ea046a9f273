package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// options is everything that a command line says.
type options struct {
	role, dispatch         string
	txFDs, rxFDs, fds      []int
	peerFD                 int
	makesQueues            bool
	action                 func(*options) action
	count                  uint64
	size, batch            int
	mtu, bufferSize        uint
	ethernet, peerEthernet tcpip.LinkAddress
	check                  string
	timeout                time.Duration
	json, bare             bool
}

// actions are the flags that choose what to do with the link.
var actions = []struct {
	name, help string
	hasCount   bool
	make       func(*options) action
}{
	{"echo", "send back every packet", false, newEcho},
	{"sink", "verify and count test packets; stop after `COUNT`, if one is given", true, newSink},
	{"source", "send `COUNT` test packets", true, newSource},
	{"ping", "send `COUNT` test packets, each when the last came back from an echoing peer; report latency", true, newPing},
}

const everyone = tcpip.LinkAddress("\xff\xff\xff\xff\xff\xff")

// parse reads the words behind a subcommand.
func parse(name string, words []string) (*options, error) {
	o := &options{peerEthernet: everyone}
	flags := flag.NewFlagSet("gvisorpeer "+name, flag.ContinueOnError)
	// One line says what is wrong.
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for i := range actions {
		a := &actions[i]
		if a.hasCount {
			flags.Func(a.name, a.help, func(word string) (err error) {
				o.count, err = strconv.ParseUint(word, 10, 62)
				return o.choose(a.make, err)
			})
		} else {
			flags.Var(boolFunc(func() error { return o.choose(a.make, nil) }), a.name, a.help)
		}
	}
	flags.StringVar(&o.role, "role", "", "which end this is, client or server")
	flags.Func("tx-fds", "`data,event,tx-pipe,rx-pipe,shared-data` of the queue that the client sends on", descriptors(&o.txFDs))
	flags.Func("rx-fds", "the same of the queue that it receives on", descriptors(&o.rxFDs))
	flags.IntVar(&o.peerFD, "peer-fd", -1, "a connected Unix socket: its end is the peer's end")
	flags.BoolVar(&o.makesQueues, "make-queues", false, "gVisor makes the files, and they go over the socket, the first queue's five first")
	flags.Func("fd", "an inherited descriptor `N` that keeps packet boundaries", descriptors(&o.fds))
	flags.StringVar(&o.dispatch, "dispatch", "recvmmsg", "how packets are received: readv or recvmmsg")
	flags.IntVar(&o.size, "size", 64, "bytes of a test packet, without the link header")
	flags.IntVar(&o.batch, "batch", 32, "packets per write")
	flags.UintVar(&o.mtu, "mtu", 0, "1500, or the size if that is larger")
	flags.UintVar(&o.bufferSize, "buffer-size", 2048, "bytes of a buffer in shared memory")
	flags.Func("ethernet", "frames have Ethernet headers, and this `MAC` is the address of this side", address(&o.ethernet))
	flags.Func("peer-ethernet", "the `MAC` to send to (everyone)", address(&o.peerEthernet))
	flags.StringVar(&o.check, "check", "crc", "none or crc: leave the bodies of test packets alone, or fill and sum them")
	flags.BoolVar(&o.bare, "bare", false, "to measure: --source repeats the same packets, --sink COUNT only counts them")
	seconds := flags.Float64("timeout", 0, "give up after so many seconds, with exit code 1")
	flags.BoolVar(&o.json, "json", false, "one JSON object on standard output")
	err := flags.Parse(optionalCounts(words))
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		fmt.Print(usage)
		flags.PrintDefaults()
	}
	if err != nil {
		return nil, err
	}
	o.timeout = time.Duration(*seconds * float64(time.Second))
	if o.mtu == 0 {
		o.mtu = 1500
		if uint(o.size) > o.mtu {
			o.mtu = uint(o.size)
		}
	}
	return o, o.validate(flags.Args())
}

func (o *options) choose(make func(*options) action, err error) error {
	if o.action != nil {
		return errors.New("there is an action already, one is allowed")
	}
	o.action = make
	return err
}

func (o *options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected %q", rest[0])
	case o.action == nil:
		return errors.New("an action is missing")
	case o.check != "none" && o.check != "crc":
		return fmt.Errorf("--check %q: must be none or crc", o.check)
	case o.size < testPacketHeader || o.size > 65535:
		return fmt.Errorf("--size %d: must be %d to 65535", o.size, testPacketHeader)
	case o.bare && o.count == 0:
		return errors.New("--bare: needs a COUNT, at which it is over")
	case o.bare && o.check != "none":
		return errors.New("--bare: needs --check none, since nobody looks at the packets")
	case o.batch < 1:
		return fmt.Errorf("--batch %d: must be positive", o.batch)
	}
	return nil
}

// optionalCounts gives --sink without a count the count 0, which means without end.
func optionalCounts(words []string) []string {
	var all []string
	for i, word := range words {
		all = append(all, word)
		if word == "--sink" && (i+1 == len(words) || strings.HasPrefix(words[i+1], "-")) {
			all = append(all, "0")
		}
	}
	return all
}

func descriptors(list *[]int) func(string) error {
	return func(words string) error {
		for _, word := range strings.Split(words, ",") {
			fd, err := strconv.Atoi(word)
			if err != nil || fd < 0 {
				return fmt.Errorf("%q is no descriptor", word)
			}
			*list = append(*list, fd)
		}
		return nil
	}
}

func address(a *tcpip.LinkAddress) func(string) error {
	return func(word string) error {
		hardware, err := net.ParseMAC(word)
		*a = tcpip.LinkAddress(hardware)
		return err
	}
}

// boolFunc is a flag without a value.
type boolFunc func() error

func (f boolFunc) Set(string) error { return f() }
func (boolFunc) String() string     { return "" }
func (boolFunc) IsBoolFlag() bool   { return true }
