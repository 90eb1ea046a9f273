// Gvisorpeer is the other end of a link, made of gVisor's own endpoints: what shmpeer is to this package's. Subcommands,
// flags, JSON and exit codes are shmpeer's, as far as they make sense here.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

const usage = `gvisorpeer: the other end of a packet link, made of gVisor's endpoints

usage: gvisorpeer attach --role client|server --tx-fds d,e,t,r,s --rx-fds d,e,t,r,s [--peer-fd N] ACTION [options]
       gvisorpeer attach --role client|server --make-queues --peer-fd N ACTION [options]
       gvisorpeer fd --fd N... [--dispatch readv|recvmmsg] ACTION [options]
       gvisorpeer stack|host --help

ACTION, one of: --echo, --sink [COUNT], --source COUNT, --ping COUNT

`

// A command makes a link of what its flags say.
type command func(*options) (*link, error)

var commands = map[string]command{"attach": attach, "fd": overDescriptors}

func main() {
	if len(os.Args) > 1 && modes[os.Args[1]] != nil {
		os.Exit(runMode(modes[os.Args[1]], os.Args[2:]))
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(exitUsage)
	}
	os.Exit(run(commands[os.Args[1]], os.Args[1], os.Args[2:]))
}

func run(makeLink command, name string, words []string) int {
	opts, err := parse(name, words)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	} else if err != nil {
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
