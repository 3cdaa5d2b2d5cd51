// Command cometnode is a real CometBFT node for tests of a remote signer: the node, its consensus, its
// signer endpoint and its retries are CometBFT's own; what is ours writes down each signature that the
// signer hands out, before the node uses it.
//
//	cometnode init  --home DIR --chain-id ID [--genesis FILE]   a home; with --genesis one that joins a chain
//	cometnode start --home DIR --privval ADDR --rpc ADDR ...    runs until SIGTERM
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	cfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/types"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: cometnode init|start ..."))
	}
	commands := map[string]func([]string) error{"init": initHome, "start": start}
	command, ok := commands[os.Args[1]]
	if !ok {
		fail(fmt.Errorf("no command %q: init or start", os.Args[1]))
	}
	if err := command(os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "cometnode:", err)
	os.Exit(1)
}

// initHome makes what `cometbft init` makes, with a chain id of the test's choice. The key in it is for
// `cmkms import`; the node itself is started without one.
func initHome(args []string) error {
	flags := flag.NewFlagSet("init", flag.ExitOnError)
	home := flags.String("home", "", "directory to fill")
	chainID := flags.String("chain-id", "", "chain id of a new genesis")
	genesis := flags.String("genesis", "", "genesis to join; this home's key is then no validator")
	extensions := flags.Int64("extensions-from", 0, "height from which votes carry extensions; 0: never")
	_ = flags.Parse(args)

	config := cfg.DefaultConfig().SetRoot(*home)
	cfg.EnsureRoot(*home)
	pv := privval.GenFilePV(config.PrivValidatorKeyFile(), config.PrivValidatorStateFile())
	pv.Save()
	if _, err := p2p.LoadOrGenNodeKey(config.NodeKeyFile()); err != nil {
		return err
	}
	if *genesis != "" {
		doc, err := os.ReadFile(*genesis)
		if err != nil {
			return err
		}
		return os.WriteFile(config.GenesisFile(), doc, 0o600)
	}
	pubKey, err := pv.GetPubKey()
	if err != nil {
		return err
	}
	params := types.DefaultConsensusParams()
	params.ABCI.VoteExtensionsEnableHeight = *extensions
	doc := types.GenesisDoc{
		ChainID:         *chainID,
		GenesisTime:     time.Now(),
		ConsensusParams: params,
		Validators: []types.GenesisValidator{
			{Address: pubKey.Address(), PubKey: pubKey, Power: 10},
		},
	}
	return doc.SaveAs(config.GenesisFile())
}

func start(args []string) error {
	flags := flag.NewFlagSet("start", flag.ExitOnError)
	home := flags.String("home", "", "home made by init")
	laddr := flags.String("privval", "", "where the signer dials: tcp://host:port or unix://path; none: sign with the home's key")
	record := flags.String("record", "", "file to append each released signature to, as lines of JSON")
	rpc := flags.String("rpc", "tcp://127.0.0.1:0", "RPC address")
	listen := flags.String("p2p", "tcp://127.0.0.1:0", "address for other nodes")
	peers := flags.String("peers", "", "persistent peers, id@host:port")
	timeoutCommit := flags.Duration("timeout-commit", time.Second, "pause after a block")
	standardGossip := flags.Bool("standard-gossip", false, "let nodes tell each other of votes and parts as CometBFT does by default")
	logLevel := flags.String("log", "error", "info, error or none")
	_ = flags.Parse(args)

	config := cfg.DefaultConfig().SetRoot(*home)
	config.RPC.ListenAddress = *rpc
	config.P2P.ListenAddress = *listen
	config.P2P.PersistentPeers = *peers
	config.P2P.AllowDuplicateIP = true
	config.P2P.AddrBookStrict = false
	config.P2P.PexReactor = false
	config.Mempool.Broadcast = false // nodes with one key then propose different blocks
	config.Consensus.TimeoutCommit = *timeoutCommit
	if !*standardGossip {
		// Blocks are short in tests, and a node learns of each part of one after such a pause.
		config.Consensus.PeerGossipSleepDuration = 10 * time.Millisecond
	}
	config.DBBackend = "goleveldb"
	config.PrivValidatorListenAddr = "" // we make the endpoint, in order to see what comes out of it

	level, err := log.AllowLevel(*logLevel)
	if err != nil {
		return err
	}
	logger := log.NewFilter(log.NewTMLogger(log.NewSyncWriter(os.Stdout)), level)

	doc, err := types.GenesisDocFromFile(config.GenesisFile())
	if err != nil {
		return err
	}
	// As `cometbft start` does: it makes a key where there is none, and uses it only without a signer.
	var signer types.PrivValidator = privval.LoadOrGenFilePV(config.PrivValidatorKeyFile(), config.PrivValidatorStateFile())
	if *laddr != "" {
		if signer, err = dialedBySigner(*laddr, doc.ChainID, logger); err != nil {
			return err
		}
	}
	recorder, err := newRecorder(signer, *record)
	if err != nil {
		return err
	}
	nodeKey, err := p2p.LoadOrGenNodeKey(config.NodeKeyFile())
	if err != nil {
		return err
	}
	cometNode, err := node.NewNode(
		config, recorder, nodeKey,
		proxy.DefaultClientCreator("kvstore", config.ABCI, filepath.Join(*home, "data")),
		node.DefaultGenesisDocProviderFunc(config),
		cfg.DefaultDBProvider,
		node.DefaultMetricsProvider(config.Instrumentation),
		logger,
	)
	if err != nil {
		return err
	}
	if err := cometNode.Start(); err != nil {
		return err
	}
	fmt.Println("node id", nodeKey.ID())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	<-ctx.Done()
	return cometNode.Stop()
}

// dialedBySigner is what a node does with `priv_validator_laddr` (node/setup.go,
// createAndStartPrivValidatorSocketClient): one request without retries, then 50 tries at 100 ms.
func dialedBySigner(laddr, chainID string, logger log.Logger) (types.PrivValidator, error) {
	listener, err := privval.NewSignerListener(laddr, logger)
	if err != nil {
		return nil, err
	}
	client, err := privval.NewSignerClient(listener, chainID)
	if err != nil {
		return nil, err
	}
	if _, err := client.GetPubKey(); err != nil {
		return nil, fmt.Errorf("can't get pubkey: %w", err)
	}
	return privval.NewRetrySignerClient(client, 50, 100*time.Millisecond), nil
}
