// Command benchvalidator is the validators' side of the benchmark: for each chain CometBFT's own listener and
// client, with a node's own retries. It does what it is told on stdin, a line of JSON for each order, and
// answers on stdout; orders run beside each other, so answers come in any order and carry the order's id.
// It ends when stdin is closed, however its parent ended.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// An order; what is not meant for it stays empty.
type order struct {
	ID             int64    `json:"id"`
	Do             string   `json:"do"` // listen, ready, ask, verify
	ChainIDs       []string `json:"chainIds"`
	Chain          int      `json:"chain"` // index in the list given to listen
	From           int64    `json:"from,string"`
	Heights        int64    `json:"heights"`
	Steps          []string `json:"steps"`
	ExtensionBytes int      `json:"extensionBytes"`
}

type answer struct {
	ID        int64    `json:"id"`
	Error     string   `json:"error,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Taken     []taken  `json:"taken,omitempty"`
	Verified  int      `json:"verified"`
}

func main() {
	if err := obey(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchvalidator:", err)
		os.Exit(1)
	}
}

// obey returns at the end of the input, whatever is still being asked for.
func obey(input io.Reader, output io.Writer) error {
	var chains []*chain
	var writing sync.Mutex
	encoder := json.NewEncoder(output)
	reply := func(given answer, id int64, err error) {
		given.ID = id
		if err != nil {
			given.Error = err.Error()
		}
		writing.Lock()
		defer writing.Unlock()
		_ = encoder.Encode(given) // nobody reads any more: stdin says so next
	}
	for decoder := json.NewDecoder(input); ; {
		var o order
		if err := decoder.Decode(&o); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("an order that is none: %w", err)
		}
		if o.Do == "listen" {
			// Not beside others: they need the list.
			given, err := listenAll(o.ChainIDs)
			chains = given
			reply(answer{Addresses: addressesOf(given)}, o.ID, err)
			continue
		}
		go func(chains []*chain) {
			given, err := done(chains, o)
			reply(given, o.ID, err)
		}(chains)
	}
}

func done(chains []*chain, o order) (answer, error) {
	switch o.Do {
	case "ready":
		return answer{}, onEach(chains, (*chain).ready)
	case "ask":
		if o.Chain < 0 || o.Chain >= len(chains) {
			return answer{}, fmt.Errorf("no validator was started for chain %d", o.Chain)
		}
		given, err := chains[o.Chain].askInTurn(o.From, o.Heights, o.Steps, o.ExtensionBytes)
		return answer{Taken: given}, err
	case "verify":
		verified := 0
		for _, c := range chains {
			count, err := c.verify()
			if err != nil {
				return answer{}, err
			}
			verified += count
		}
		return answer{Verified: verified}, nil
	default:
		return answer{}, fmt.Errorf("no order %q", o.Do)
	}
}

// onEach runs on all chains at once and returns the first error there is.
func onEach(chains []*chain, work func(*chain) error) error {
	failures := make(chan error, len(chains))
	for _, c := range chains {
		go func() { failures <- work(c) }()
	}
	var first error
	for range chains {
		if err := <-failures; err != nil && first == nil {
			first = err
		}
	}
	return first
}
