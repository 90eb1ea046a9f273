// Gvisorpeer is the other end of a link, made of gVisor's own endpoints: what shmpeer is to this package's. Subcommands,
// flags, JSON and exit codes are shmpeer's, as far as they make sense here.
package main

import (
	"fmt"
	"os"
)

const usage = `gvisorpeer: the other end of a packet link, made of gVisor's endpoints

usage: gvisorpeer attach --role client|server --tx-fds d,e,t,r,s --rx-fds d,e,t,r,s [--peer-fd N] ACTION [options]
       gvisorpeer attach --role client|server --make-queues --peer-fd N ACTION [options]
       gvisorpeer fd --fd N[,N...] [--dispatch readv|recvmmsg] ACTION [options]

  --role              which end this is
  --tx-fds, --rx-fds  data, event, tx pipe, rx pipe and shared data of each queue, as the client names its queues
  --peer-fd N         a connected Unix socket: its end is the peer's end
  --make-queues       gVisor makes the files, and they go over the socket, the transmit queue's five first
  --fd N[,N...]       inherited descriptors that keep packet boundaries

ACTION, one of:
`

// A command makes a link of what its flags say.
type command func(*options) (*link, error)

var commands = map[string]command{"attach": attach, "fd": overDescriptors}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(exitUsage)
	}
	os.Exit(run(commands[os.Args[1]], os.Args[1], os.Args[2:]))
}

func run(makeLink command, name string, words []string) int {
	opts, err := parse(name, words)
	if err != nil {
		complain(err)
		return exitUsage
	}
	l, err := makeLink(opts)
	if err != nil {
		complain(err)
		return exitMissing
	}
	return l.run(opts.action(opts))
}

func complain(err error) { fmt.Fprintln(os.Stderr, "gvisorpeer:", err) }
