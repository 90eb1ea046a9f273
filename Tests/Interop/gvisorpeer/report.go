package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"time"
)

// How a run ends. Scripts depend on the numbers.
const (
	exitDone       = 0
	exitUnverified = 1
	exitUsage      = 2
	exitMissing    = 3
)

// transfer is what a receiver of test packets verified.
type transfer struct {
	Received, Bytes, Lost, Duplicated, Reordered, Corrupt, Unsummed, Foreign uint64
}

func (t *transfer) count(v verdict, length int, unsummed bool) {
	switch v {
	case valid:
		t.Received++
		t.Bytes += uint64(length)
		if unsummed {
			t.Unsummed++
		}
	case corrupt:
		t.Corrupt++
	case foreign:
		t.Foreign++
	}
}

// report is what a run came to, with shmpeer's keys.
type report struct {
	Role       string             `json:"role"`
	Mode       string             `json:"mode"`
	Size       *int               `json:"size,omitempty"`
	Sent       *uint64            `json:"sent,omitempty"`
	Received   *uint64            `json:"received,omitempty"`
	Lost       *uint64            `json:"lost,omitempty"`
	Duplicated *uint64            `json:"duplicated,omitempty"`
	Reordered  *uint64            `json:"reordered,omitempty"`
	Corrupt    *uint64            `json:"corrupt,omitempty"`
	Unsummed   *uint64            `json:"unsummed,omitempty"`
	Bytes      uint64             `json:"bytes"`
	Seconds    float64            `json:"seconds"`
	PacketRate float64            `json:"packets_per_second"`
	BitRate    float64            `json:"gbit_per_second"`
	Latency    map[string]float64 `json:"rtt_us,omitempty"`
	Drops      map[string]uint64  `json:"drops"`

	CloseReason string `json:"close_reason"`
}

func (r *report) setTransfer(t transfer) {
	r.Received, r.Lost, r.Duplicated, r.Reordered, r.Corrupt = &t.Received, &t.Lost, &t.Duplicated, &t.Reordered, &t.Corrupt
	r.Unsummed = &t.Unsummed
	if t.Foreign > 0 {
		r.Drops = map[string]uint64{"foreign": t.Foreign}
	}
}

func (r *report) rate(packets, bytes uint64, took time.Duration) {
	r.Bytes, r.Seconds = bytes, took.Seconds()
	if took > 0 {
		r.PacketRate = float64(packets) / r.Seconds
		r.BitRate = float64(bytes) * 8 / r.Seconds / 1e9
	}
}

func (r *report) setLatency(times []time.Duration) {
	if len(times) == 0 {
		return
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	r.Latency = map[string]float64{}
	for key, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "p99_9": 0.999} {
		r.Latency[key] = float64(times[int(share*float64(len(times)-1))].Nanoseconds()) / 1000
	}
}

// publish writes the report, and returns the exit code.
func (r *report) publish(err error, isJSON bool) int {
	if err != nil {
		complain(err)
	}
	if r.Drops == nil {
		r.Drops = map[string]uint64{}
	}
	line, _ := json.Marshal(r)
	if isJSON {
		fmt.Println(string(line))
	} else {
		fmt.Printf("%s %s: %.0f packets/s, %.3f Gbit/s\n%s\n", r.Role, r.Mode, r.PacketRate, r.BitRate, line)
	}
	if err != nil || r.hasFaults() {
		return exitUnverified
	}
	return exitDone
}

func (r *report) hasFaults() bool {
	for _, count := range []*uint64{r.Lost, r.Duplicated, r.Reordered, r.Corrupt} {
		if count != nil && *count > 0 {
			return true
		}
	}
	return false
}
