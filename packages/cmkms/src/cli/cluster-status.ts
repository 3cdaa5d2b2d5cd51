/**
 * `cmkms cluster status`: the members, how far each is, and what may be lost.
 *
 * Owns    the table of members, and what the loss of one more would mean in words.
 * Never   changes anything, or goes over HTTP: it is asked where the other cluster commands are.
 * Proof   test/cluster-status.test.ts (whole tables, compared as text).
 */
import { adminRequest } from '../admin/index.js';
import { resolveHome } from '../config/layers.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { homePaths } from '../home.js';
import type { MemberJson, StatusJson } from '../http/status-json.js';
import { ageText, lagOf, plain, table } from './status-table.js';
import type { Terminal } from './terminal.js';
import { rulesText } from './version.js';

const answerTimeoutMs = 10_000;

/** @throws CmkmsError NOT_RUNNING, PERMISSION */
export async function clusterStatusCommand(
  flags: { readonly home?: string; readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const { adminSocket } = homePaths(resolveHome(flags.home, terminal.around));
  const status = await adminRequest(adminSocket, { kind: 'status' }, answerTimeoutMs);
  const said =
    flags.json === true ? `${JSON.stringify(asJson(status), null, 2)}\n` : asText(status);
  terminal.out(said);
  return EXIT.OK;
}

function asJson(status: StatusJson): unknown {
  const { id, cluster_id, leader_id, term, commit_index, rules_version } = status;
  const { voters, voters_reachable } = status;
  return {
    ...{ asked: id, cluster_id, leader_id, term, commit_index, rules_version },
    ...{ voters, voters_reachable },
    fault_tolerance: status.fault_tolerance,
    may_be_lost: lossText(status),
    members: status.replicas.map((member) => ({ ...member, lag: lagOf(member, commit_index) })),
  };
}

export function asText(status: StatusJson): string {
  const leader = plain(status.leader_id || 'none');
  const place = `term ${status.term ?? '-'}  rules ${status.rules_version ?? '-'}`;
  const head = `cluster ${plain(status.cluster_id ?? 'not founded')}  leader ${leader}  ${place}`;
  const lines = [head];
  if (status.replicas.length === 0) {
    const [why] = status.reasons;
    return `${[head, why === undefined ? 'no members are known yet' : plain(why.detail)].join('\n')}\n`;
  }
  lines.push(lossText(status), '', ...members(status));
  if (status.role !== 'leader' && status.leader_id !== '') {
    lines.push('', `asked at ${plain(status.id)}: how far the others are, ${leader} knows`);
  }
  return `${lines.join('\n')}\n`;
}

/** Who else may stop before nothing can be signed. */
function lossText(status: StatusJson): string {
  const voters = status.replicas.filter((member) => member.voter);
  const here = voters.filter((member) => member.reachable);
  const quorum = Math.floor(voters.length / 2) + 1;
  const contact = `${here.length} of ${voters.length} voters in contact`;
  if (here.length < quorum) return `${contact}, ${quorum} are needed: nothing is signed`;
  const holders = here.filter((member) => !member.witness);
  const [only] = holders;
  if (only === undefined) return `${contact}, none of them holds the key: nothing is signed`;
  const spare = here.length - quorum;
  if (spare > 0 && holders.length === 1) {
    return `${contact}: ${plain(only.id)} alone holds the key; if it stops, signing stops`;
  }
  if (spare === 0) return `${contact}: if any one more stops, signing stops`;
  const more = Math.min(spare, holders.length - 1);
  return `${contact}: any ${more === 1 ? 'one' : more} more may stop`;
}

function members(status: StatusJson): readonly string[] {
  const rows = status.replicas.map((member) => [
    `${plain(member.id)}${member.self ? ' *' : ''}`,
    member.role,
    kind(member),
    plain(member.addr),
    member.reachable ? 'yes' : 'no',
    lagOf(member, status.commit_index),
    member.self ? '-' : contactText(member),
    plain(member.version ?? '-'),
    member.rules === null ? '-' : rulesText(member.rules),
    member.tls_cert_not_after === null ? '-' : plain(member.tls_cert_not_after.slice(0, 10)),
    plain(member.identity.slice(0, 16)),
  ]);
  const titles = ['REPLICA', 'ROLE', 'VOTE', 'ADDRESS', 'REACHABLE', 'LAG', 'LAST CONTACT'];
  return table([...titles, 'VERSION', 'RULES', 'CERT ENDS', 'IDENTITY'], rows);
}

function kind({ voter, witness }: MemberJson): string {
  const holds = witness ? ', witness' : '';
  return voter ? `voter${holds}` : `learner${holds}`;
}

/** Followers hear the leader alone all the time. */
function contactText({ last_contact_ms: last, reachable }: MemberJson): string {
  if (last === null) return reachable ? '-' : 'never';
  return `${ageText(last)} ago`;
}
