/**
 * Every way to get config.toml wrong that we could think of, with the words that it gets.
 *
 * Owns    the table: a file per defect in test/bad-configs, its code, message and remedy, word for word.
 * Rule    the first line an operator sees at three in the morning names the file, the line and what to do.
 */
import assert from 'node:assert/strict';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../src/config/load.js';
import { CmkmsError } from '../src/errors.js';
import { around, scratch } from './scratch-homes.js';

const directory = fileURLToPath(new URL('../../test/bad-configs/', import.meta.url));

/** FILE is the path of config.toml, HOME that of its directory. */
const rows: readonly (readonly [file: string, code: string, says: string, fix: string])[] = [
  [
    'allow-unsafe',
    'CONFIG',
    'FILE:1: allow_unsafe = true asks for an endpoint that changes members, and there is none.',
    'remove it, or set it to false.',
  ],
  [
    'bare-number-for-a-duration',
    'CONFIG',
    'FILE:2: heartbeat_interval: 25 has no unit.',
    'write a duration as a string with its unit: "25ms" (ms, s, m, h).',
  ],
  [
    'bare-number-for-a-size',
    'CONFIG',
    'FILE:2: max_message_size: 2097152 has no unit.',
    'write a size as a string with its unit: "2097152B" (B, KiB, MiB, GiB).',
  ],
  [
    'both-chain-forms',
    'CONFIG',
    'FILE:2: chain_id and validator_addr are the short form; [[chain]] tables are there too.',
    'keep one of the two forms.',
  ],
  [
    'chain-and-key-twice',
    'ADDR_CLASH',
    'the key HOME/priv/test-1/priv_validator_key.json of chain test-1 is also the key HOME/priv/test-1/priv_validator_key.json of chain test-1.',
    'one [[chain]] per chain id and key.',
  ],
  [
    'chain-id-leaves-priv',
    'CONFIG',
    'FILE:3: id: "../test-1" cannot name a directory.',
    'give the path of its key: key = "priv/NAME/priv_validator_key.json".',
  ],
  [
    'chain-id-too-long',
    'CONFIG',
    'FILE:2: chain_id: "a23456789b23456789c23456789d23456789e23456789f23456789" is no chain id.',
    'a chain id has 1 to 50 characters.',
  ],
  [
    'chain-in-single-brackets',
    'CONFIG',
    'FILE:2: there may be several chains, so each is a table in double brackets.',
    'write [[chain]], not [chain].',
  ],
  [
    'chain-key-at-the-top',
    'CONFIG',
    'FILE:2: unknown key "validators" at the top level.',
    'it belongs below a [[chain]].',
  ],
  [
    'chain-table-without-id',
    'CONFIG',
    'FILE:5: id is missing in [[chain]].',
    'add id below this [[chain]].',
  ],
  [
    'chain-without-validators',
    'CONFIG',
    'FILE:2: validator_addr is missing: the two go together.',
    'add validator_addr (--validator-addr).',
  ],
  [
    'duration-out-of-bounds',
    'CONFIG',
    'FILE:2: redial_interval: 5s is out of bounds.',
    'give a value of 10ms to 1s.',
  ],
  [
    'election-below-four-heartbeats',
    'CONFIG',
    'FILE:6: election_timeout 120ms is below 4 heartbeats of 50ms.',
    'set election_timeout to at least "200ms", or use a profile.',
  ],
  [
    'empty-peers',
    'PEERS_EMPTY',
    'no peers are configured, so this replica would sign alone. Another home with the same key would sign too.',
    'list every replica in peer = [...], or state it: solo = true.',
  ],
  // A journal on a full disk would take what the log's next segment needs.
  [
    'min-free-disk-below-the-log',
    'CONFIG',
    'FILE:2: min_free_disk: 48MiB is out of bounds.',
    'give a value of at least 64MiB.',
  ],
  [
    'fraction-for-a-count',
    'CONFIG',
    'FILE:2: snapshot_entries: 1000.5 is not a whole number.',
    'write a whole number, unquoted.',
  ],
  [
    'go-program-as-its-init-writes-it',
    'ADDR_CLASH',
    'http_addr ":8080" covers validator tcp://127.0.0.1:8080 of chain testnet-1; one of the two cannot be bound and cmkms would talk to itself.',
    '--http-addr :8081, or move priv_validator_laddr (26659 is usual).',
  ],
  [
    'http-covers-raft',
    'ADDR_CLASH',
    'http_addr "127.0.0.1:9430" covers raft_addr "0.0.0.0:9430"; one of the two cannot be bound and cmkms would talk to itself.',
    'give the two different ports (9430 and 8080 are usual).',
  ],
  [
    'key-address-too-short',
    'CONFIG',
    'FILE:5: address: "5B9F" is no address of a key.',
    'an address has 40 hex digits.',
  ],
  [
    'key-twice',
    'CONFIG',
    'FILE:2: this is no TOML: trying to redefine an already defined table or value (column 1).',
    'strings need double quotes, lists are ["a", "b"], each key stands once.',
  ],
  [
    'lease-not-below-election',
    'CONFIG',
    'FILE:6: lease 120ms is not below election_timeout 120ms.',
    'set lease to less than election_timeout, or use a profile.',
  ],
  [
    'no-toml',
    'CONFIG',
    'FILE:3: this is no TOML: expected comma or end of structure (column 1).',
    'strings need double quotes, lists are ["a", "b"], each key stands once.',
  ],
  [
    'number-for-a-string',
    'CONFIG',
    'FILE:1: chain_id: 7 is not a string.',
    'put the value in double quotes.',
  ],
  [
    'peer-address-twice',
    'ADDR_CLASH',
    'peer a=127.0.0.1:9430 is also peer b=127.0.0.1:9430.',
    'each replica has an address of its own.',
  ],
  [
    'peer-twice',
    'ADDR_CLASH',
    'peer a=127.0.0.1:9430 is also peer a=127.0.0.1:9432.',
    'each replica stands once in peer.',
  ],
  [
    'peer-without-address',
    'CONFIG',
    'FILE:1: peer: "b" is not id=host:port.',
    'as in "kms-a=10.0.0.10:9430".',
  ],
  [
    'peers-of-itself-alone',
    'PEERS_EMPTY',
    'peer lists only this replica, so this replica would sign alone. Another home with the same key would sign too.',
    'list every replica in peer = [...], or state it: solo = true.',
  ],
  [
    'raft-addr-without-port',
    'CONFIG',
    'FILE:2: raft_addr: "0.0.0.0" is not host:port.',
    'write it as in "10.0.0.10:9430", or ":8080".',
  ],
  [
    'raft-covers-validator',
    'ADDR_CLASH',
    'raft_addr ":26659" covers validator tcp://127.0.0.1:26659 of chain test-1; one of the two cannot be bound and cmkms would talk to itself.',
    '--raft-addr :26660, or move priv_validator_laddr (26659 is usual).',
  ],
  [
    'solo-with-peers',
    'CONFIG',
    'FILE:1: solo says that this replica is alone, and peer lists a, b.',
    'keep one of the two.',
  ],
  [
    'state-twice',
    'ADDR_CLASH',
    'the state HOME/priv/test-1/priv_validator_state.json of chain test-1 is also the state HOME/priv/test-1/priv_validator_state.json of chain test-2.',
    'each (chain id, key) needs a state file of its own.',
  ],
  [
    'string-for-a-list',
    'CONFIG',
    'FILE:1: peer: "a=127.0.0.1:9430" is not a list of strings.',
    'write it as ["first", "second"].',
  ],
  [
    'string-for-a-truth',
    'CONFIG',
    'FILE:1: solo: "yes" is not true or false.',
    'write true or false, unquoted.',
  ],
  [
    'table-key-at-the-top',
    'CONFIG',
    'FILE:2: unknown key "heartbeat_interval" at the top level.',
    'it belongs below [raft].',
  ],
  [
    'top-level-key-below-a-table',
    'CONFIG',
    'FILE:6: unknown key "log_level" in [[chain]] "osmosis-1".',
    'it is a top-level key: move it above the first [table].',
  ],
  [
    'unknown-choice',
    'CONFIG',
    'FILE:1: log_level: "verbose" is not known.',
    'one of debug, info, warn, error.',
  ],
  [
    'unknown-key-in-a-table',
    'CONFIG',
    'FILE:2: unknown key "election_timout" in [raft].',
    'did you mean "election_timeout"?',
  ],
  [
    'unknown-key-unlike-any',
    'CONFIG',
    'FILE:1: unknown key "frobnicate" at the top level.',
    'known here: id, raft_addr, http_addr, peer, solo, log_level, log_format, chain_id, validator_addr, allow_unsafe.',
  ],
  [
    'unknown-key',
    'CONFIG',
    'FILE:2: unknown key "validator_addrs" at the top level.',
    'did you mean "validator_addr"?',
  ],
  ['unknown-profile', 'CONFIG', 'FILE:2: profile: "moon" is not known.', 'one of lan, wan.'],
  [
    'validator-listens-everywhere',
    'CONFIG',
    'FILE:3: validator_addr: "0.0.0.0:26659" is no address that can be dialled.',
    'that is what a server listens on; give the address under which others reach it.',
  ],
  [
    'validator-socket-path-too-long',
    'CONFIG',
    'FILE:3: validator_addr: the path in "unix:///run/a-directory-with-a-name-that-nobody-would-choose/another-one-below-it-that-is-not-any-shorter/privval.sock" is 111 bytes long; a unix socket\'s has at most 107.',
    "use a shorter path, in the node's priv_validator_laddr too.",
  ],
  [
    'validator-twice',
    'ADDR_CLASH',
    'validator tcp://127.0.0.1:26659 of chain test-1 is also validator tcp://127.0.0.1:26659 of chain test-2.',
    'a node has one signer: list each address once.',
  ],
  [
    'validators-without-chain',
    'CONFIG',
    'FILE:2: chain_id is missing: the two go together.',
    'add chain_id (--chain-id).',
  ],
  [
    'value-for-a-table',
    'CONFIG',
    'FILE:1: raft is a table, not a value.',
    'write [raft] on a line of its own, and its keys below.',
  ],
  [
    'wrong-unit',
    'CONFIG',
    'FILE:2: deadline: "1sec" is not a duration.',
    'write a number and a unit (ms, s, m, h), as in "25ms".',
  ],
];

for (const [file, code, says, fix] of rows) {
  test(`${file}: ${code}`, async (t) => {
    const home = await scratch(t);
    const path = join(home, 'config.toml');
    await copyFile(join(directory, `${file}.toml`), path);
    assert.throws(
      () => loadSettings({}, around(home, { COMETKMS_HOME: home })),
      (error) => {
        assert.ok(error instanceof CmkmsError, String(error));
        const message = error.message.replaceAll(path, 'FILE').replaceAll(home, 'HOME');
        assert.deepEqual([error.code, message, error.remedy], [code, says, fix]);
        return true;
      },
    );
  });
}

test('every file has its row', async () => {
  const files = (await readdir(directory)).map((name) => name.replace(/\.toml$/, ''));
  assert.deepEqual(files.sort(), rows.map(([file]) => file).sort());
});
