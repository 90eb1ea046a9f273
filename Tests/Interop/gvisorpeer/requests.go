package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pingStack is ping(8). repeated counts the requests that went unanswered once the first was answered.
func pingStack(address string, count int, end time.Time) (repeated int, err error) {
	network, request, reply := "ip4:icmp", byte(8), byte(0)
	if strings.Contains(address, ":") {
		network, request, reply = "ip6:ipv6-icmp", 128, 129
	}
	connection, err := dial(network, address, end)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	asked := requests{connection: connection, end: end}
	for i := 1; i <= count; i++ {
		message := make([]byte, 64)
		message[0] = request
		binary.BigEndian.PutUint16(message[4:], 0x7368)
		binary.BigEndian.PutUint16(message[6:], uint16(i))
		// The kernel fills it in for ICMPv6.
		binary.BigEndian.PutUint16(message[2:], checksum(message))
		isReply := func(packet []byte) bool {
			return len(packet) == 64 && packet[0] == reply && bytes.Equal(packet[4:], message[4:])
		}
		if !asked.ask(message, isReply) {
			return asked.repeated, fmt.Errorf("request %d was not answered", i)
		}
	}
	return asked.repeated, nil
}

// dial waits for an address of this side: a device's IPv6 addresses cannot be used before it has a carrier.
func dial(network, address string, end time.Time) (net.Conn, error) {
	for {
		connection, err := net.Dial(network, address)
		if !errors.Is(err, syscall.EADDRNOTAVAIL) || time.Now().After(end) {
			return connection, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// requests are asked one after the other, until end.
type requests struct {
	connection net.Conn
	end        time.Time
	isAnswered bool
	// Requests that went unanswered once the first was answered.
	repeated int
}

// answerTime is how long an answer may take. While the first is asked for the device may have no carrier yet; then a loaded
// machine is not to be taken for a link that loses packets.
func (r *requests) answerTime() time.Duration {
	if r.isAnswered {
		return 20 * time.Second
	}
	return time.Second
}

// ask sends a request again and again until it is answered.
func (r *requests) ask(request []byte, isAnswer func([]byte) bool) bool {
	room := make([]byte, 1<<16)
	for times := 1; time.Now().Before(r.end); times++ {
		r.connection.SetDeadline(time.Now().Add(r.answerTime()))
		// A device without carrier refuses: the next one may pass.
		r.connection.Write(request)
		for {
			n, _, err := r.connection.(net.PacketConn).ReadFrom(room)
			if err != nil {
				break
			}
			if isAnswer(room[:n]) {
				if r.isAnswered {
					r.repeated += times - 1
				}
				r.isAnswered = true
				return true
			}
		}
	}
	return false
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

// echoDatagrams counts the repetitions as pingStack does.
func echoDatagrams(address string, sizes []string, end time.Time) (repeated int, err error) {
	connection, err := dial("udp", net.JoinHostPort(address, "7"), end)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	asked := requests{connection: connection, end: end}
	for _, word := range sizes {
		size, err := strconv.Atoi(word)
		if err != nil {
			return 0, err
		}
		message := make([]byte, size)
		rand.Read(message)
		isEcho := func(datagram []byte) bool { return bytes.Equal(datagram, message) }
		if !asked.ask(message, isEcho) {
			return asked.repeated, fmt.Errorf("a datagram of %d bytes did not come back", size)
		}
	}
	return asked.repeated, nil
}
