/**
 * Three whole replicas and one validator, in one history: signing, handing requests on, what an operator asks over
 * the admin socket, what HTTP shows, what lies on the disks. The tests build on each other, in this order.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { formatStateFile, readStateFile, type StateFile } from '@cometkms/signer';
import { AdminRefusal, adminRequest, type RequestOf } from '../src/admin/index.js';
import type { AdminKind, AdminResults } from '../src/admin/protocol.js';
import type { EventFacts } from '../src/log/index.js';
import { metricNames } from '../src/metrics/catalogue.js';
import { Cluster, type Member, until } from './cluster.js';
import { parseSamples, type Samples, sampleName } from './exposition.js';
import { CHAIN } from './scratch-homes.js';
import { Refused, type Signed, Validator, type Wanted } from './validator.js';

let validator: Validator;
let cluster: Cluster;
/** The next height that nothing was asked for. */
let height = 10n;

before(async () => {
  validator = await Validator.listen(CHAIN);
  cluster = await Cluster.start({ validators: [validator.address], neverSigned: true });
  await cluster.leader();
});
after(async () => {
  await cluster.dispose();
  await validator.stop();
});

const sign = (wanted: Partial<Wanted> = {}): Promise<Signed> =>
  validator.sign(cluster.key.publicKey, { height, ...wanted });

async function refused(wanted: Partial<Wanted>): Promise<string> {
  const error = await sign(wanted).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Refused, `not refused but ${String(error)}`);
  return error.message;
}

function ask<K extends AdminKind>(at: Member, request: RequestOf<K>): Promise<AdminResults[K]> {
  return adminRequest(at.paths.adminSocket, request, 20_000);
}

const chain = { chainId: CHAIN, keyAddress: null } as const;

async function follower(): Promise<Member> {
  const leader = await cluster.leader();
  const other = cluster.names.find((name) => name !== leader.name) ?? '';
  return cluster.member(other);
}

async function stateOf(name: string, at: bigint): Promise<StateFile> {
  return await until(`the state file of ${name} at ${at}`, async () => {
    const state = await readStateFile(cluster.statePath(name)).catch(() => null);
    return state !== null && state.position.height >= at ? state : undefined;
  });
}

/** Who talks to the validator. A link on which nothing was asked for long is given up: so something is asked first. */
async function holder(): Promise<Member> {
  await validator.ask({ kind: 'pingRequest' });
  return await cluster.holder(validator.address);
}

/** Bounds the tests that try again: leadership may move by itself, where a disk stands still for long. */
const retried = { timeout: 60_000 };

/** This replica released the last signature, so it has it. */
function releasedBy(name: string): boolean {
  const { logged, running } = cluster.member(name);
  running.replica.reports.tellNow();
  const told = [...logged.all('signed'), ...logged.all('replayed')];
  return told.some(({ h, type }) => h === height && type === 'precommit');
}

async function samples(name: string): Promise<Samples> {
  return parseSamples(await (await cluster.get(name, '/metrics')).text());
}

/** Over all replicas: each request is counted where its link is. */
async function counted(type: string, ...outcomes: readonly string[]): Promise<number> {
  const keyAddress = cluster.member('a').running.replica.chains[0]?.keyAddress ?? '';
  const names = outcomes.map((outcome) =>
    sampleName('cmkms_sign_requests_total', {
      chain_id: CHAIN,
      key: keyAddress.slice(0, 8),
      type,
      outcome,
    }),
  );
  const all = await Promise.all(cluster.names.map(samples));
  return all
    .flatMap((seen) => names.map((name) => seen.get(name) ?? Number.NaN))
    .reduce((sum, count) => sum + count, 0);
}

/** A signature that came late was asked for again, and is counted as repeated. */
const signed = (type: string): Promise<number> => counted(type, 'granted', 'repeated');

/** Counted once the answer is on its way, so perhaps a moment after it came. */
async function reaches(count: () => Promise<number>, least: number): Promise<void> {
  await until(`${least} of them`, async () => ((await count()) >= least ? true : undefined));
}

test('proposal, prevote and precommit of a height are signed, each over its own bytes', async () => {
  for (const step of [1, 2, 3] as const) await sign({ step });
  for (const type of ['proposal', 'prevote', 'precommit']) await reaches(() => signed(type), 1);
});

test('asked again at another time: the same signature with its first time; another block: refused', async () => {
  const first = await sign();
  const again = await sign({ seconds: 99n });
  assert.deepEqual([again.signature, again.timestamp], [first.signature, first.timestamp]);
  const says = await refused({ block: 'Y' });
  assert.match(says, /^cmkms [abc] CONFLICT: /);
  await reaches(() => counted('precommit', 'conflict'), 1);
});

test(
  'a link does not move with leadership: its holder hands requests on, and the answers back',
  retried,
  async () => {
    const holding = await holder();
    const other = cluster.names.find((name) => name !== holding.name) ?? '';
    let told: EventFacts['signed'] | undefined;
    while (told === undefined) {
      const { logged, running } = await cluster.lead(other);
      const lost = logged.all('leadership_lost').length;
      height += 1n;
      for (const step of [1, 2, 3] as const) await sign({ step });
      running.replica.reports.tellNow();
      told = logged.all('signed').find(({ h, type }) => h === height && type === 'prevote');
      // Another one may have led by then, and signed it.
      assert.ok(told !== undefined || logged.all('leadership_lost').length > lost);
    }
    assert.equal(told.via, holding.name);
    assert.equal((await holder()).name, holding.name);
    assert.match(await refused({ block: 'Y' }), /CONFLICT/);
  },
);

test('leadership that moves while a request is under way costs time, not the signature', async () => {
  const holding = await holder();
  const others = cluster.names.filter((name) => name !== holding.name);
  for (const next of [...others, ...others]) {
    height += 1n;
    const [signed] = await Promise.all([sign(), cluster.lead(next)]);
    assert.ok(signed.signature.length === 64);
  }
});

test(
  'a leader that stops hands over, and the request under way is signed by the next',
  retried,
  async () => {
    const holding = await holder();
    const other = cluster.names.find((name) => name !== holding.name) ?? '';
    let told: EventFacts['handed_over'] | undefined;
    while (told === undefined) {
      const { logged } = await cluster.lead(other);
      const lost = logged.all('leadership_lost').length;
      height += 1n;
      await Promise.all([sign(), cluster.stop(other)]);
      told = logged.all('handed_over').find(({ reason }) => reason === 'this replica stops');
      // It may have led no more when it was stopped.
      assert.ok(told !== undefined || logged.all('leadership_lost').length > lost);
      await cluster.start(other);
    }
    assert.ok(told.to !== null && told.to !== other);
  },
);

test('a halt height is set, shown and cleared at the leader; a follower names the leader', async () => {
  const leader = await cluster.leader();
  const halt = height + 5n;
  const set = await ask(leader, { kind: 'haltSet', ...chain, height: halt });
  assert.deepEqual(set, { changed: true, haltHeight: halt.toString() });
  const shown = await ask(leader, { kind: 'haltShow' });
  assert.equal(shown.chains[0]?.haltHeight, halt.toString());
  assert.match(await refused({ height: halt }), /HALTED/);

  const at = await follower();
  await assert.rejects(ask(at, { kind: 'haltClear', ...chain }), (error: unknown) => {
    assert.ok(error instanceof AdminRefusal);
    assert.deepEqual([error.code, error.exitCode], ['NOT_LEADER', 4]);
    assert.ok(error.message.startsWith(`${leader.name} leads`), error.message);
    return true;
  });

  const cleared = await ask(leader, { kind: 'haltClear', ...chain });
  assert.deepEqual(cleared, { changed: true, haltHeight: null });
  height = halt;
  await sign();
});

test('a floor is raised and never lowered; at it and below nothing new is signed', async () => {
  const leader = await cluster.leader();
  const floor = { ...chain, height: height + 10n, round: 2 ** 31 - 1, step: 3 } as const;
  const raised = await ask(leader, { kind: 'floorRaise', ...floor });
  assert.equal(raised.changed, true);
  const lower = await ask(leader, { kind: 'floorRaise', ...floor, height: height + 1n });
  assert.deepEqual([lower.changed, lower.floor], [false, raised.floor]);
  assert.match(await refused({ height: height + 10n, round: 7 }), /REGRESSED/);
  height += 11n;
  await sign();
  assert.deepEqual(
    leader.logged.all('floor_raised').map(({ reason }) => reason),
    ['operator'],
  );
});

test('another chain is not known here', async () => {
  const request = { kind: 'chainRetire', chainId: 'nope-1', keyAddress: null } as const;
  await assert.rejects(ask(await cluster.leader(), request), { code: 'CHAIN_UNKNOWN' });
});

test('every replica has the state file of the last signature, loadable by a plain validator', async () => {
  for (const name of cluster.names) {
    const { position, signed } = await stateOf(name, height);
    assert.deepEqual(position, { height, round: 0, step: 3 });
    // Signature and bytes where it was signed; the others know the position alone. Never one of the two.
    assert.equal(signed !== null, releasedBy(name), name);
  }
});

test('status says on each replica who leads, what was signed last, and who is there', async () => {
  for (const name of cluster.names) {
    const status = await until(`${name} knows of a ready leader`, async () => {
      const said = await cluster.status(name);
      const leads = said.is_leader === (said.leader_id === name);
      return said.ready && said.leader_id !== '' && leads ? said : undefined;
    });
    assert.equal(status.last_sign_state?.height, Number(height));
    assert.deepEqual([status.phase, status.voters, status.voters_reachable], ['running', 3, 3]);
    assert.deepEqual(
      status.replicas.map((replica) => [replica.id, replica.self, replica.reachable]),
      cluster.names.map((each) => [each, each === name, true]),
    );
    assert.equal((await cluster.get(name, '/readyz')).status, 200);
    assert.equal((await cluster.get(name, '/livez')).status, 200);
    assert.deepEqual((await ask(cluster.member(name), { kind: 'status' })).id, name);
  }
  const states = await Promise.all(
    cluster.names.map(async (name) => (await cluster.status(name)).chains[0]?.validators[0]?.state),
  );
  assert.deepEqual(states.filter((state) => state === 'active').length, 1);
});

test('every declared metric is there on every replica, and what happened is counted', async () => {
  for (const name of cluster.names) {
    const text = await (await cluster.get(name, '/metrics')).text();
    const declared = [...text.matchAll(/^# TYPE (cmkms_\w+) /gm)].map((match) => match[1] ?? '');
    assert.deepEqual(declared.sort(), [...metricNames()].sort());
    const seen = parseSamples(text);
    for (const metric of metricNames()) {
      const found = [...seen.keys()].some((sample) => sample.startsWith(metric));
      assert.ok(found, `${metric} has no sample on ${name}`);
    }
  }
  await until('one leader and three that are ready', async () => {
    const all = await Promise.all(cluster.names.map(samples));
    const sum = (name: string): number => all.reduce((n, seen) => n + (seen.get(name) ?? 0), 0);
    return (sum('cmkms_raft_is_leader') === 1 && sum('cmkms_ready') === 3) || undefined;
  });
  const signedBefore = await signed('precommit');
  height += 1n;
  await sign();
  await reaches(() => signed('precommit'), signedBefore + 1);
});

test('a watermark that was lost is made anew from the log, with an alarm, before anything is signed', async () => {
  const { name, paths, running } = await cluster.leader();
  assert.ok(running.replica.chains[0]?.watermark.ready);
  await cluster.stop(name);
  await rm(paths.watermark, { recursive: true });
  const again = await cluster.start(name);
  const [held] = again.running.replica.chains;
  assert.equal(held?.watermark.ready, false);

  await cluster.lead(name);
  const { to, reason } = await again.logged.until('watermark_rebuilt');
  assert.deepEqual([to, reason], [`${height}/0/3`, 'missing']);
  height += 1n;
  await sign();
  assert.deepEqual(held?.watermark.current()?.hrs, { height, round: 0, step: 3 });
});

test('retired: refused for ever, and the state file is the one for a plain validator', async () => {
  const request = { kind: 'chainRetire', ...chain } as const;
  await assert.rejects(ask(await follower(), request), { code: 'NOT_LEADER' });
  const leader = await cluster.leader();
  const done = await ask(leader, request);
  assert.equal(done.changed, true);
  assert.deepEqual(done.position, { height: height.toString(), round: 0, step: 3 });
  const state = await readStateFile(done.stateFile);
  assert.deepEqual(state.position, { height, round: 0, step: 3 });
  assert.equal(state.signed !== null, releasedBy(leader.name));
  assert.equal(formatStateFile(state).includes('"signbytes"'), state.signed !== null);

  const retiredAt = height;
  height += 1n;
  assert.match(await refused({}), /RETIRED/);
  assert.match(await refused({ height: retiredAt }), /RETIRED/);
  assert.equal((await ask(leader, request)).changed, false);
  await leader.logged.until('retired', ({ state_file }) => state_file === done.stateFile);
  const { notes } = await cluster.status(leader.name);
  assert.ok(notes.some(({ code }) => code === 'CHAIN_RETIRED'));
});
