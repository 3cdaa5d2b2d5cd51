/**
 * `cmkms check`: what `start` would refuse for, without starting.
 *
 * Owns    the report, and the ports (which `start` finds out by listening).
 * Never   writes or locks. Beside a running replica of this home the ports are left out: it holds them.
 */
import { connect } from 'node:net';
import { tryBind } from '../bind-failure.js';
import { type Checked, checkHome, positionText } from '../check-home.js';
import { formatHostPort } from '../config/addresses.js';
import type { Flags } from '../config/layers.js';
import { loadSettings } from '../config/load.js';
import type { Settings } from '../config/settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { failureOf } from './failure.js';
import { printWarnings, type Terminal } from './terminal.js';

/** @throws CmkmsError  whatever `start` would refuse for before it asks another replica */
export async function checkCommand(
  flags: Flags & { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  try {
    const settings = loadSettings(flags, terminal.around);
    const checked = await checkHome(settings);
    const running = await answers(checked.paths.adminSocket);
    if (!running) await checkPorts(settings, checked);
    if (flags.json === true)
      terminal.out(`${JSON.stringify(asJson(settings, checked), null, 2)}\n`);
    else terminal.out(asText(settings, checked, running));
    printWarnings(terminal, checked.warnings);
    return EXIT.OK;
  } catch (error) {
    if (flags.json === true) {
      const { exitCode, ...said } = failureOf(error);
      terminal.out(`${JSON.stringify({ ok: false, ...said, exit_code: exitCode }, null, 2)}\n`);
    }
    throw error;
  }
}

async function checkPorts(settings: Settings, checked: Checked): Promise<void> {
  if (checked.raftListen !== null) await tryBind('raft', checked.raftListen);
  if (settings.httpAddress !== null) await tryBind('http', settings.httpAddress);
}

function answers(adminSocket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(adminSocket);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function asJson(settings: Settings, checked: Checked): unknown {
  return {
    ok: true,
    home: settings.home,
    id: checked.name,
    cluster_id: checked.replica?.clusterId ?? checked.genesis?.clusterId ?? null,
    joined: checked.replica !== null,
    witness: checked.witness,
    members: checked.members.map(({ name, address }) => ({ id: name, address })),
    raft_addr: checked.raftListen === null ? null : formatHostPort(checked.raftListen),
    http_addr: settings.httpAddress === null ? null : formatHostPort(settings.httpAddress),
    chains: checked.chains.map((chain) => ({
      chain_id: chain.settings.id,
      key_address: chain.keyAddress,
      state: chain.state === null ? null : positionText(chain.state),
      imported: chain.imported !== null,
      validators: chain.settings.validators.map((validator) => validator.text),
    })),
    warnings: checked.warnings,
  };
}

function asText(settings: Settings, checked: Checked, running: boolean): string {
  const cluster = checked.replica?.clusterId ?? checked.genesis?.clusterId;
  const members = checked.members.map((member) => member.name).join(', ');
  const listen = checked.raftListen === null ? 'none' : formatHostPort(checked.raftListen);
  const http = settings.httpAddress === null ? 'off' : formatHostPort(settings.httpAddress);
  const lines = [
    `home     ${settings.home}${running ? ' (a replica runs on it; ports not tried)' : ''}`,
    `replica  ${checked.name}${settings.solo ? ', alone' : `${checked.witness ? ', a witness,' : ''} of ${members}`}${cluster === undefined ? '' : `; cluster ${cluster}`}`,
    `listens  raft ${listen}, http ${http}`,
  ];
  for (const chain of checked.chains) {
    const state = chain.state === null ? 'no state here' : `state ${positionText(chain.state)}`;
    const validators = chain.settings.validators.map((validator) => validator.text).join(', ');
    lines.push(
      `chain    ${chain.settings.id}; key ${chain.keyAddress}; ${state}; dials ${validators}`,
    );
  }
  return `${lines.join('\n')}\nok\n`;
}
