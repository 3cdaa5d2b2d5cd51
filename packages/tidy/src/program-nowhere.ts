/**
 * The commands of cmkms, to be looked at on no machine in particular.
 *
 * Owns    a terminal without colours, variables or a home, so that who looks makes no difference.
 * Never   runs a command.
 */
import { buildProgram } from 'cmkms';

export type Command = ReturnType<typeof buildProgram>;

/** @param write  what it prints, such as its help */
export function programNowhere(write: (text: string) => void = () => undefined): Command {
  const around = {
    env: {},
    hostName: 'host',
    localAddresses: new Set<string>(),
    userHome: '/nowhere',
    workingDirectory: '/nowhere',
  };
  const terminal = { out: write, err: write, colorOut: false, colorErr: false, around };
  return buildProgram(terminal, () => undefined);
}
