package main

import (
	"encoding/json"
	"fmt"
)

// A mode does without test packets. It returns the facts of its report.
type mode func(words []string) (map[string]any, error)

var modes = map[string]mode{"stack": runStack, "host": runHost}

func runMode(m mode, words []string) int {
	facts, err := m(words)
	if err != nil {
		complain(err)
		return exitUnverified
	}
	line, _ := json.Marshal(facts)
	fmt.Println(string(line))
	return exitDone
}
