package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// runStack runs a whole network stack on a link: `stack` with --tx-fds, --rx-fds and --peer-fd, or with --socket, where
// shmpeer serves, or with --fd. It has echo servers, or fetches one URL; it ends with its host or by a signal.
func runStack(words []string) (map[string]any, error) {
	var tx, rx []int
	flags := flag.NewFlagSet("gvisorpeer stack", flag.ExitOnError)
	flags.Func("tx-fds", "the transmit queue's five descriptors", descriptors(&tx))
	flags.Func("rx-fds", "the receive queue's", descriptors(&rx))
	peer := flags.Int("peer-fd", -1, "this end of a connected Unix socket")
	socket := flags.String("socket", "", "receive the queues from whoever serves at this `PATH`")
	var fds []int
	flags.Func("fd", "in place of queues a descriptor that keeps packet boundaries", descriptors(&fds))
	dispatch := flags.String("dispatch", "recvmmsg", "how packets are received from it: readv or recvmmsg")
	mtu := flags.Uint("mtu", 1500, "network-layer bytes")
	own := flags.String("addresses", "10.0.0.2/24,fd00::2/64", "the stack's own")
	var ethernet tcpip.LinkAddress
	flags.Func("ethernet", "frames have Ethernet headers, and this `MAC` is the stack's own", address(&ethernet))
	port := flags.Uint("port", 7, "of the echo servers")
	url := flags.String("fetch", "", "get this through the stack, and end")
	flags.Parse(words)
	if *socket != "" {
		queues, err := receiveQueues(*socket, ethernet != "")
		if err != nil {
			return nil, err
		}
		tx, rx, *peer, *mtu = queues.tx, queues.rx, queues.peer, uint(queues.mtu)
	}
	addresses, err := parseAddresses(*own)
	if err != nil {
		return nil, err
	}
	over := make(chan string, 2)
	gone := func() { over <- "host" }
	var link stack.LinkEndpoint
	if len(fds) > 0 {
		link, err = socketLink(&options{fds: fds, dispatch: *dispatch, mtu: *mtu, ethernet: ethernet}, gone)
	} else {
		link, err = guestLink(tx, rx, *peer, uint32(*mtu), ethernet, gone)
	}
	if err != nil {
		return nil, err
	}
	watched := watch(link)
	s, err := guestStack(watched, addresses)
	if err != nil {
		return nil, err
	}
	facts := map[string]any{}
	if *url != "" {
		facts, err = fetch(s, *url)
	} else if err = serveEcho(s, uint16(*port)); err == nil {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
		fmt.Fprintln(os.Stderr, "gvisorpeer: the stack is up")
		select {
		case facts["ended_by"] = <-over:
		case <-signals:
			facts["ended_by"] = "signal"
		}
	}
	watched.count(s, facts)
	// The process ends, and with it the link. Documentation/GVisorGuest.md says what has to be done in one that goes on.
	return facts, err
}

// socketLink is guestLink for gVisor's other endpoint.
func socketLink(opts *options, gone func()) (stack.LinkEndpoint, error) {
	l, err := overDescriptors(opts)
	if err != nil {
		return nil, err
	}
	go func() {
		<-l.gone
		gone()
	}()
	return l.LinkEndpoint, nil
}

func parseAddresses(list string) (addresses []tcpip.AddressWithPrefix, err error) {
	for _, text := range strings.Split(list, ",") {
		ip, network, err := net.ParseCIDR(text)
		if err != nil {
			return nil, err
		}
		bits, _ := network.Mask.Size()
		if short := ip.To4(); short != nil {
			ip = short
		}
		addresses = append(addresses, tcpip.AddressWithPrefix{Address: tcpip.Address(ip), PrefixLen: bits})
	}
	return addresses, nil
}

// serveEcho sends back what comes to the port. A socket of IPv6 takes IPv4 as well.
func serveEcho(s *stack.Stack, port uint16) error {
	at := tcpip.FullAddress{NIC: 1, Port: port}
	listener, err := gonet.ListenTCP(s, at, ipv6.ProtocolNumber)
	if err != nil {
		return err
	}
	datagrams, err := gonet.DialUDP(s, &at, nil, ipv6.ProtocolNumber)
	if err != nil {
		return err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				io.Copy(connection, connection)
			}()
		}
	}()
	go func() {
		room := make([]byte, 1<<16)
		for {
			n, from, err := datagrams.ReadFrom(room)
			if err != nil {
				return
			}
			datagrams.WriteTo(room[:n], from)
		}
	}()
	return nil
}

// fetch gets a URL of HTTP through the stack.
func fetch(s *stack.Stack, url string) (map[string]any, error) {
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		remote, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return nil, err
		}
		full := tcpip.FullAddress{NIC: 1, Addr: tcpip.Address(remote.IP), Port: uint16(remote.Port)}
		if short := remote.IP.To4(); short != nil {
			full.Addr = tcpip.Address(short)
			return gonet.DialContextTCP(ctx, s, full, ipv4.ProtocolNumber)
		}
		return gonet.DialContextTCP(ctx, s, full, ipv6.ProtocolNumber)
	}
	began := time.Now()
	client := http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 50 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	digest := sha256.New()
	n, err := io.Copy(digest, bufio.NewReaderSize(response.Body, 1<<16))
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"bytes": n, "sha256": fmt.Sprintf("%x", digest.Sum(nil)), "seconds": time.Since(began).Seconds(),
	}, nil
}
