package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// runHost talks to the stack's servers through the kernel's own stack: `host ADDRESS`, and what to do there in turn.
func runHost(words []string) (map[string]any, error) {
	flags := flag.NewFlagSet("gvisorpeer host ADDRESS", flag.ExitOnError)
	pings := flags.Int("ping", 0, "so many echo requests, each of which has to be answered")
	stream := flags.Int64("tcp", 0, "so many random bytes to the echo server and back, compared by digest")
	sizes := flags.String("udp", "", "a datagram of each `SIZE,…` to the echo server and back")
	timeout := flags.Duration("timeout", 50*time.Second, "of the whole")
	if len(words) == 0 {
		return nil, errors.New("host: an address is missing")
	}
	address := words[0]
	flags.Parse(words[1:])
	end := time.Now().Add(*timeout)
	facts := map[string]any{}
	if *pings > 0 {
		if err := pingStack(address, *pings, end); err != nil {
			return nil, fmt.Errorf("ping %s: %w", address, err)
		}
		facts["pings"] = *pings
	}
	if *stream > 0 {
		seconds, err := echoStream(address, *stream, end)
		if err != nil {
			return nil, fmt.Errorf("TCP echo of %s: %w", address, err)
		}
		facts["bytes"], facts["seconds"], facts["gbit_per_second"] = *stream, seconds, float64(*stream)*8e-9/seconds
	}
	if *sizes != "" {
		if err := echoDatagrams(address, strings.Split(*sizes, ","), end); err != nil {
			return nil, fmt.Errorf("UDP echo of %s: %w", address, err)
		}
		facts["datagrams"] = *sizes
	}
	return facts, nil
}

// pingStack is ping(8).
func pingStack(address string, count int, end time.Time) error {
	network, request, reply := "ip4:icmp", byte(8), byte(0)
	if strings.Contains(address, ":") {
		network, request, reply = "ip6:ipv6-icmp", 128, 129
	}
	connection, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	defer connection.Close()
	for i := 1; i <= count; i++ {
		message := make([]byte, 64)
		message[0] = request
		binary.BigEndian.PutUint16(message[4:], 0x7368)
		binary.BigEndian.PutUint16(message[6:], uint16(i))
		// The kernel fills it in for ICMPv6.
		binary.BigEndian.PutUint16(message[2:], checksum(message))
		for !isAnswered(connection.(*net.IPConn), message, reply) {
			if time.Now().After(end) {
				return fmt.Errorf("request %d was not answered", i)
			}
		}
	}
	return nil
}

// isAnswered sends a request, and waits for its reply as long as ping(8) would.
func isAnswered(connection *net.IPConn, message []byte, reply byte) bool {
	connection.SetDeadline(time.Now().Add(time.Second))
	// A device without carrier refuses: the next one may pass.
	connection.Write(message)
	for room := make([]byte, 2048); ; {
		n, _, err := connection.ReadFrom(room)
		if err != nil {
			return false
		}
		if n == 64 && room[0] == reply && bytes.Equal(room[4:n], message[4:]) {
			return true
		}
	}
}

func checksum(message []byte) uint16 {
	var sum uint32
	for i := 0; i < len(message); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(message[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// echoStream compares by digest. Only so much is under way that the guest's receive window never closes: behind a closed one
// gVisor's TCP can stand still for ever.
func echoStream(address string, count int64, end time.Time) (float64, error) {
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(address, "7"), time.Until(end))
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	connection.SetDeadline(end)
	began := time.Now()
	const block, blocksUnderWay = 1 << 14, 16
	underWay := make(chan struct{}, blocksUnderWay)
	sent := sha256.New()
	failed := make(chan error, 1)
	go func() {
		var err error
		for rest := count; rest > 0 && err == nil; rest -= block {
			underWay <- struct{}{}
			_, err = io.CopyN(io.MultiWriter(connection, sent), rand.Reader, min(rest, block))
		}
		failed <- err
	}()
	received := sha256.New()
	for rest := count; rest > 0; rest -= block {
		if _, err := io.CopyN(received, connection, min(rest, block)); err != nil {
			return 0, fmt.Errorf("%d of %d bytes did not come back: %w", rest, count, err)
		}
		<-underWay
	}
	if err := <-failed; err != nil {
		return 0, err
	}
	if !bytes.Equal(received.Sum(nil), sent.Sum(nil)) {
		return 0, errors.New("other bytes came back")
	}
	return time.Since(began).Seconds(), nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func echoDatagrams(address string, sizes []string, end time.Time) error {
	connection, err := net.Dial("udp", net.JoinHostPort(address, "7"))
	if err != nil {
		return err
	}
	defer connection.Close()
	for _, word := range sizes {
		size, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		message := make([]byte, size)
		rand.Read(message)
		for !isEchoed(connection, message) {
			if time.Now().After(end) {
				return fmt.Errorf("a datagram of %d bytes did not come back", size)
			}
		}
	}
	return nil
}

// isEchoed sends a datagram, and waits a second for it to come back: datagrams may be lost where there is no room.
func isEchoed(connection net.Conn, message []byte) bool {
	connection.SetDeadline(time.Now().Add(time.Second))
	connection.Write(message)
	for room := make([]byte, 1<<16); ; {
		n, err := connection.Read(room)
		if err != nil {
			return false
		}
		if bytes.Equal(room[:n], message) {
			return true
		}
	}
}
