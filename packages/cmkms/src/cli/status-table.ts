/**
 * A replica's status as a table for people.
 *
 * Owns    its layout. Pure: the same status and time give the same text.
 * Never   lets a text from another machine move the cursor or break a line.
 * Proof   test/status-table.test.ts (whole tables, compared as text).
 */
import { isWholeHeight } from '@cometkms/sign-state';
import type { ChainJson, StatusJson } from '../http/index.js';
import type { FindingJson, MemberJson, PositionJson, ValidatorJson } from '../http/status-json.js';

export interface TableOptions {
  /** Unix milliseconds: ages are relative to it. */
  readonly now: number;
  readonly color: boolean;
}

type Paint = (text: string) => string;
interface Pens {
  readonly good: Paint;
  readonly bad: Paint;
  readonly notable: Paint;
  readonly strong: Paint;
}

function pens(color: boolean): Pens {
  const pen = (code: number): Paint =>
    color ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text;
  return { good: pen(32), bad: pen(31), notable: pen(33), strong: pen(1) };
}

export function statusTable(status: StatusJson, options: TableOptions): string {
  const pen = pens(options.color);
  const blocks = [
    head(status, pen),
    ...(status.replicas.length > 0 ? [members(status, pen)] : []),
    ...status.chains.map((chain) => chainBlock(chain, pen, options.now)),
    ...findings('not ready', status.reasons, pen.bad, options.now),
    ...findings('notes', status.notes, pen.notable, options.now),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function head(status: StatusJson, pen: Pens): string[] {
  const state = status.ready ? pen.good('ready') : pen.bad('not ready');
  const does = [status.phase === 'running' ? status.role : phaseWords[status.phase]];
  if (status.witness) does.push('witness');
  if (status.is_leader) does.push('serving');
  if (status.term !== null) does.push(`term ${status.term}`);
  return [
    `${pen.strong(plain(status.id))}  ${state}  ${does.join(', ')}`,
    `cluster ${plain(status.cluster_id ?? 'not founded')}  leader ${plain(status.leader_id || 'none')}  cmkms ${plain(status.version)}`,
    ...(status.voters === null ? [] : [tolerance(status, pen)]),
  ];
}

const phaseWords: Readonly<Record<StatusJson['phase'], string>> = {
  starting: 'starting',
  founding: 'waiting to found the cluster',
  joining: 'waiting to be admitted to the cluster',
  running: 'running',
  draining: 'stopping',
  replaced: 'replaced by another identity',
};

function tolerance(status: StatusJson, pen: Pens): string {
  const { voters, voters_reachable: here, fault_tolerance: more } = status;
  const contact = `${here} of ${voters} voters in contact`;
  if (here !== null && voters !== null && here < Math.floor(voters / 2) + 1) {
    return pen.bad(`${contact}: no quorum, nothing is signed`);
  }
  return more === 0
    ? pen.notable(`${contact}: if one more stops, signing stops`)
    : `${contact}: ${more} more may stop`;
}

function members(status: StatusJson, pen: Pens): string[] {
  const commit = status.commit_index;
  const rows = status.replicas.map((member) => [
    `${plain(member.id)}${member.self ? ' *' : ''}`,
    member.witness ? `${member.role} (witness)` : member.role,
    plain(member.addr),
    reachable(member, pen),
    lagOf(member, commit),
    member.rtt_ms === null ? '-' : ageText(member.rtt_ms),
    plain(member.version ?? '-'),
  ]);
  return table(['REPLICA', 'ROLE', 'ADDRESS', 'REACHABLE', 'LAG', 'RTT', 'VERSION'], rows);
}

function reachable(member: MemberJson, pen: Pens): string {
  if (member.reachable) return pen.good('yes');
  const last = member.last_contact_ms;
  return pen.bad(last === null ? 'no, never seen' : `no, for ${ageText(last)}`);
}

/** How many committed entries a replica lacks; known where it leads. */
export function lagOf(member: MemberJson, commit: string | null): string {
  if (member.match_index === null || commit === null) return '-';
  const behind = BigInt(commit) - BigInt(member.match_index);
  return (behind < 0n ? 0n : behind).toString();
}

function chainBlock(chain: ChainJson, pen: Pens, now: number): string[] {
  const key = `key ${plain(chain.key_address)} (${plain(chain.key_type)})`;
  const facts: [string, string][] = [];
  if (!chain.key_loaded) facts.push(['key', pen.bad('not loaded on this replica')]);
  if (chain.registration === 'unregistered') {
    facts.push(['waiting', pen.bad(plain(chain.waiting_for ?? 'not registered yet'))]);
  }
  if (chain.registration === 'retired') facts.push(['retired', pen.bad('never signed again')]);
  facts.push(['last signed', position(chain.last_sign_state)]);
  facts.push(['floor', position(chain.floor)]);
  facts.push([
    'halt',
    chain.halt_height === null ? 'none' : pen.notable(`from height ${chain.halt_height} on`),
  ]);
  facts.push([
    'released here',
    chain.last_released_at === null ? 'nothing yet' : `${age(chain.last_released_at, now)} ago`,
  ]);
  if (chain.median_ms !== null) facts.push(['median', ageText(chain.median_ms)]);
  const rows = chain.validators.map((validator) => validatorRow(validator, pen, now));
  return [
    `${pen.strong(plain(chain.chain_id))}  ${key}`,
    ...facts.map(([name, value]) => `  ${name.padEnd(14)}${value}`),
    ...(rows.length > 0
      ? table(['  VALIDATOR', 'LINK', 'SINCE', 'LAST REQUEST', 'ERROR'], rows)
      : []),
  ];
}

function validatorRow(validator: ValidatorJson, pen: Pens, now: number): string[] {
  const paint = { active: pen.good, connected: pen.good, idle: (text: string) => text };
  const color = paint[validator.state as keyof typeof paint] ?? pen.bad;
  const words: Readonly<Record<string, string>> = {
    idle: 'idle (not held here)',
    parked: 'parked (another signer is connected)',
  };
  return [
    `  ${plain(validator.addr)}`,
    color(words[validator.state] ?? plain(validator.state)),
    age(validator.since, now),
    validator.last_request_at === null ? '-' : `${age(validator.last_request_at, now)} ago`,
    plain(validator.last_error ?? '-'),
  ];
}

function findings(
  title: string,
  found: readonly FindingJson[],
  paint: Paint,
  now: number,
): string[][] {
  if (found.length === 0) return [];
  const lines = found.map(
    (f) => `  ${paint(f.code)}  ${plain(f.detail)} (for ${age(f.since, now)})`,
  );
  return [[title, ...lines]];
}

const stepNames: Readonly<Record<number, string>> = { 1: 'proposal', 2: 'prevote', 3: 'precommit' };

function position(at: PositionJson | null): string {
  if (at === null) return 'none';
  if (isWholeHeight(at)) return `height ${plain(at.height)}, all of it`;
  return `${plain(at.height)}/${at.round}/${stepNames[at.step] ?? at.step}`;
}

/** Columns as wide as their widest cell; colours have no width. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  return all.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd(),
  );
}

function width(cell: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is our own colour codes that are taken out
  return cell.replace(/\u001b\[\d+m/g, '').length;
}

function age(moment: string, now: number): string {
  return ageText(Math.max(0, now - Date.parse(moment)));
}

export function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/** Nothing of it moves the cursor or breaks a line. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?');
}
