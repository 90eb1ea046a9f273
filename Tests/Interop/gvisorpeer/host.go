package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
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
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		// --help ends here.
		flags.Parse(words)
		return nil, errors.New("host: an address is missing")
	}
	address := words[0]
	flags.Parse(words[1:])
	if *pings <= 0 && *stream <= 0 && *sizes == "" {
		return nil, errors.New("host: nothing to do: --ping, --tcp or --udp")
	}
	end := time.Now().Add(*timeout)
	facts := map[string]any{}
	if *pings > 0 {
		repeated, err := pingStack(address, *pings, end)
		if err != nil {
			return nil, fmt.Errorf("ping %s: %w", address, err)
		}
		facts["pings"], facts["repeated_pings"] = *pings, repeated
	}
	if *stream > 0 {
		seconds, err := echoStream(address, *stream, end)
		if err != nil {
			return nil, fmt.Errorf("TCP echo of %s: %w", address, err)
		}
		facts["bytes"], facts["seconds"], facts["gbit_per_second"] = *stream, seconds, float64(*stream)*8e-9/seconds
	}
	if *sizes != "" {
		repeated, err := echoDatagrams(address, strings.Split(*sizes, ","), end)
		if err != nil {
			return nil, fmt.Errorf("UDP echo of %s: %w", address, err)
		}
		facts["datagrams"], facts["repeated_datagrams"] = *sizes, repeated
	}
	return facts, nil
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
