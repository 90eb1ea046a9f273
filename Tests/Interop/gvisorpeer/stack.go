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
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/link/nested"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// runStack runs a whole network stack on a link: `stack` with --tx-fds, --rx-fds and --peer-fd, or with --socket, where
// shmpeer serves. It has echo servers, or fetches one URL; it ends with its host or by a signal.
func runStack(words []string) (map[string]any, error) {
	var tx, rx []int
	flags := flag.NewFlagSet("gvisorpeer stack", flag.ExitOnError)
	flags.Func("tx-fds", "the transmit queue's five descriptors", descriptors(&tx))
	flags.Func("rx-fds", "the receive queue's", descriptors(&rx))
	peer := flags.Int("peer-fd", -1, "this end of a connected Unix socket")
	socket := flags.String("socket", "", "receive the queues from whoever serves at this `PATH`")
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
	link, err := guestLink(tx, rx, *peer, uint32(*mtu), ethernet, func() { over <- "host" })
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
	// This detaches the endpoint, which closes it. Its Wait would wait for the host to close the peer socket.
	s.RemoveNIC(1)
	return facts, err
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

// fetch gets a URL through the stack; of tcp://address:port, everything that the connection brings.
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
	var body io.ReadCloser
	if address := strings.TrimPrefix(url, "tcp://"); address != url {
		connection, err := dial(context.Background(), "tcp", address)
		if err != nil {
			return nil, err
		}
		body = connection
	} else {
		client := http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 50 * time.Second}
		response, err := client.Get(url)
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", url, response.Status)
		}
		body = response.Body
	}
	defer body.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, bufio.NewReaderSize(body, 1<<16))
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"bytes": n, "sha256": fmt.Sprintf("%x", digest.Sum(nil)), "seconds": time.Since(began).Seconds(),
	}, nil
}

// watchedLink looks at what comes from the host, on its way to the stack.
type watchedLink struct {
	nested.Endpoint
	packets, largest, tooLarge atomic.Int64
	mtu                        int
}

func watch(link stack.LinkEndpoint) *watchedLink {
	w := &watchedLink{mtu: int(link.MTU())}
	w.Endpoint.Init(link, w)
	return w
}

func (w *watchedLink) DeliverNetworkPacket(protocol tcpip.NetworkProtocolNumber, pkt stack.PacketBufferPtr) {
	n := pkt.Data().Size()
	w.packets.Add(1)
	if int64(n) > w.largest.Load() {
		w.largest.Store(int64(n))
	}
	if n > w.mtu {
		w.tooLarge.Add(1)
	}
	w.Endpoint.DeliverNetworkPacket(protocol, pkt)
}

// count writes down what came, and what should not have. The stack checks every checksum itself.
func (w *watchedLink) count(s *stack.Stack, facts map[string]any) {
	stats := s.Stats()
	facts["packets"], facts["largest"], facts["too_large"] = w.packets.Load(), w.largest.Load(), w.tooLarge.Load()
	facts["bad_checksums"] = stats.TCP.ChecksumErrors.Value() + stats.UDP.ChecksumErrors.Value() +
		stats.ICMP.V4.PacketsReceived.Invalid.Value() + stats.ICMP.V6.PacketsReceived.Invalid.Value()
	facts["malformed"] = stats.IP.MalformedPacketsReceived.Value() + stats.TCP.InvalidSegmentsReceived.Value() +
		stats.UDP.MalformedPacketsReceived.Value()
	facts["retransmissions"] = stats.TCP.Retransmits.Value()
}
