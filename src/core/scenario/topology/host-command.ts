import { hostOf } from '../../model/host-names.js';
import type { Host, Topology } from '../../model/scenario.js';

/** Names of the program as it is installed: in PATH, or somewhere else. */
const helperPath = /^(?:\/(?:[A-Za-z0-9._+-]+\/)*)?verify-isolation$/;

/** How a login that is not root's becomes root without a question. */
const becomeRoot: readonly (readonly string[])[] = [[], ['sudo', '-n'], ['doas', '-n']];

/**
 * Does `command` of a host start this program and nothing else: `[verify-isolation]`, its path, or one of them behind
 * `sudo -n` or `doas -n`? Any other word would let a scenario start a program of its choice on every host.
 */
export function isHelperCommand(command: readonly string[]): boolean {
  const program = command.at(-1) ?? '';
  const before = command.slice(0, -1);
  return (
    helperPath.test(program) &&
    !program.split('/').includes('..') &&
    becomeRoot.some((words) => words.length === before.length && words.every((word, at) => word === before[at]))
  );
}

/** The hosts that a plan or a run of the topology connects to: those that have one of its bridges. */
export function hostsToConnect({ provider, hosts = [], bridges }: Topology): readonly Host[] {
  const used = new Set(bridges.map(({ name }) => hostOf(name)));
  return provider === 'host' ? hosts.filter(({ name }) => used.has(name)) : [];
}
