package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

// recorder passes each request on to the signer, and writes down what came back before the node sees it.
type recorder struct {
	types.PrivValidator
	key  crypto.PubKey
	mu   sync.Mutex
	file *os.File
}

// A released line holds all that a checker needs, and nothing of the signer's own words.
type released struct {
	At        time.Time `json:"at"`
	ChainID   string    `json:"chainId"`
	Key       string    `json:"key"` // hex
	Height    int64     `json:"height"`
	Round     int32     `json:"round"`
	Step      int8      `json:"step"`      // 1 proposal, 2 prevote, 3 precommit
	SignBytes string    `json:"signBytes"` // hex, as the node verifies them
	Signature string    `json:"signature"` // hex
	TookMs    float64   `json:"tookMs"`
}

func newRecorder(signer types.PrivValidator, path string) (types.PrivValidator, error) {
	if path == "" {
		return signer, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	key, err := signer.GetPubKey()
	if err != nil {
		return nil, err
	}
	return &recorder{PrivValidator: signer, key: key, file: file}, nil
}

func (r *recorder) SignVote(chainID string, vote *cmtproto.Vote) error {
	asked := time.Now()
	if err := r.PrivValidator.SignVote(chainID, vote); err != nil {
		return err
	}
	step := int8(2)
	if vote.Type == cmtproto.PrecommitType {
		step = 3
	}
	return r.write(asked, released{
		ChainID: chainID, Height: vote.Height, Round: vote.Round, Step: step,
		SignBytes: hex.EncodeToString(types.VoteSignBytes(chainID, vote)),
		Signature: hex.EncodeToString(vote.Signature),
	})
}

func (r *recorder) SignProposal(chainID string, proposal *cmtproto.Proposal) error {
	asked := time.Now()
	if err := r.PrivValidator.SignProposal(chainID, proposal); err != nil {
		return err
	}
	return r.write(asked, released{
		ChainID: chainID, Height: proposal.Height, Round: proposal.Round, Step: 1,
		SignBytes: hex.EncodeToString(types.ProposalSignBytes(chainID, proposal)),
		Signature: hex.EncodeToString(proposal.Signature),
	})
}

func (r *recorder) write(asked time.Time, line released) error {
	line.At = time.Now()
	line.TookMs = float64(line.At.Sub(asked)) / float64(time.Millisecond)
	line.Key = hex.EncodeToString(r.key.Bytes())
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err = r.file.Write(append(text, '\n'))
	return err
}
