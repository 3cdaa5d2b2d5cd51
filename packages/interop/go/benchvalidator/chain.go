package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
	cmttime "github.com/cometbft/cometbft/types/time"
)

// What a node sets (node/setup.go, createAndStartPrivValidatorSocketClient).
const (
	retries    = 50
	retryPause = 100 * time.Millisecond
)

// A chain has one validator, which one signer dials. It owns the clock around each request, and never verifies
// while it measures: what was signed is kept, and verified when the clock stands.
type chain struct {
	id      string
	address string // as the signer dials it
	client  *privval.RetrySignerClient
	key     crypto.PubKey

	mu     sync.Mutex
	signed []signed
}

// One signature, and the bytes that it should be over: computed later.
type signed struct {
	bytes     func() []byte
	signature []byte
}

// One request, from the call until its signature was there, with all tries that a node makes meanwhile.
type taken struct {
	Step    string  `json:"step"`
	TookMs  float64 `json:"tookMs"`
	Refused *string `json:"refused"` // nil: signed
}

func listenAll(ids []string) ([]*chain, error) {
	chains := make([]*chain, 0, len(ids))
	for _, id := range ids {
		c, err := listen(id)
		if err != nil {
			return nil, err
		}
		chains = append(chains, c)
	}
	return chains, nil
}

// listen is privval.NewSignerListener, which does not tell the port that it found.
func listen(id string) (*chain, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	listener := privval.NewTCPListener(socket, ed25519.GenPrivKey())
	endpoint := privval.NewSignerListenerEndpoint(log.NewNopLogger(), listener)
	client, err := privval.NewSignerClient(endpoint, id)
	if err != nil {
		return nil, err
	}
	return &chain{
		id:      id,
		address: "tcp://" + socket.Addr().String(),
		client:  privval.NewRetrySignerClient(client, retries, retryPause),
	}, nil
}

func addressesOf(chains []*chain) []string {
	addresses := make([]string, 0, len(chains))
	for _, c := range chains {
		addresses = append(addresses, c.address)
	}
	return addresses
}

// ready waits for the public key, as a node does at its start.
func (c *chain) ready() error {
	key, err := c.client.GetPubKey()
	if err != nil {
		return fmt.Errorf("%s: %w", c.id, err)
	}
	c.key = key
	return nil
}

// askInTurn asks for each step of each height as soon as the one before is there.
func (c *chain) askInTurn(from, heights int64, steps []string, extensionBytes int) ([]taken, error) {
	if c.key == nil {
		return nil, fmt.Errorf("%s: wait until it is ready: a vote names the address of its key", c.id)
	}
	all := make([]taken, 0, heights*int64(len(steps)))
	for height := from; height < from+heights; height++ {
		for _, step := range steps {
			one, err := c.ask(height, step, extensionBytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %s of height %d: %w", c.id, step, height, err)
			}
			all = append(all, one)
		}
	}
	return all, nil
}

func (c *chain) ask(height int64, step string, extensionBytes int) (taken, error) {
	var kept []signed
	var took time.Duration
	var err error
	switch step {
	case "proposal":
		kept, took, err = c.askForProposal(height)
	case "prevote":
		kept, took, err = c.askForVote(height, cmtproto.PrevoteType, 0)
	case "precommit":
		// Only a precommit for a block carries an extension.
		kept, took, err = c.askForVote(height, cmtproto.PrecommitType, extensionBytes)
	default:
		return taken{}, errors.New("a step that no validator signs")
	}
	one := taken{Step: step, TookMs: float64(took) / float64(time.Millisecond)}
	var refusal *privval.RemoteSignerError
	if errors.As(err, &refusal) {
		one.Refused = &refusal.Description
		return one, nil
	}
	// What RetrySignerClient says after its last try. It has no type of its own; a node goes on without the signature.
	if err != nil && strings.Contains(err.Error(), "exhausted all attempts") {
		why := err.Error()
		one.Refused = &why
		return one, nil
	}
	if err != nil {
		return taken{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signed = append(c.signed, kept...)
	return one, nil
}

// The client puts the answer in the place of the request. Of it a node takes the signature alone
// (consensus/state.go, defaultDecideProposal).
func (c *chain) askForProposal(height int64) ([]signed, time.Duration, error) {
	asked := cmtproto.Proposal{
		Type: cmtproto.ProposalType, Height: height, PolRound: -1,
		BlockID: blockOf(height), Timestamp: cmttime.Now(),
	}
	given := asked
	started := time.Now()
	err := c.client.SignProposal(c.id, &given)
	took := time.Since(started)
	kept := []signed{{func() []byte { return types.ProposalSignBytes(c.id, &asked) }, given.Signature}}
	return kept, took, err
}

// Of a vote a node takes timestamp and signatures (types/vote.go, SignAndCheckVote).
func (c *chain) askForVote(
	height int64, step cmtproto.SignedMsgType, extensionBytes int,
) ([]signed, time.Duration, error) {
	asked := cmtproto.Vote{
		Type: step, Height: height, BlockID: blockOf(height), Timestamp: cmttime.Now(),
		ValidatorAddress: c.key.Address(), Extension: bytes.Repeat([]byte{7}, extensionBytes),
	}
	given := asked
	started := time.Now()
	err := c.client.SignVote(c.id, &given)
	took := time.Since(started)
	asked.Timestamp = given.Timestamp
	kept := []signed{{func() []byte { return types.VoteSignBytes(c.id, &asked) }, given.Signature}}
	if extensionBytes > 0 {
		extension := func() []byte { return types.VoteExtensionSignBytes(c.id, &asked) }
		kept = append(kept, signed{extension, given.ExtensionSignature})
	}
	return kept, took, err
}

// verify returns how many were signed since the last call, or an error at one that is invalid.
func (c *chain) verify() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.signed {
		if !c.key.VerifySignature(one.bytes(), one.signature) {
			return 0, fmt.Errorf("%s: a signature that is not over the bytes asked for", c.id)
		}
	}
	count := len(c.signed)
	c.signed = nil
	return count, nil
}

// blockOf names another block for each height.
func blockOf(height int64) cmtproto.BlockID {
	name := fmt.Sprintf("block %d", height)
	hash, parts := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(name+" parts"))
	return cmtproto.BlockID{
		Hash:          hash[:],
		PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: parts[:]},
	}
}
