import { readFileSync, statSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
import { mayLockMemory } from '../kernel/bpf.js';
import { koffi } from '../kernel/libc.js';
import { handedVariable, handOn } from './handed.js';
import { evidenceOwner, isRootHere } from './identity.js';

/**
 * A tenth of the share of a process as it comes (sched(7)): enough to keep up, and a guest that wants the processor has
 * it.
 */
const niceness = 10;

/**
 * From now on this process and those that it starts wait for every other process that wants a processor; one that
 * waits already stays as it is.
 */
export function guestsFirst(): void {
  if (getPriority() < niceness) setPriority(niceness);
}

/** Numbers of linux/capability.h, by the names that setpriv(1) knows. */
const numbers = {
  chown: 0,
  dac_override: 1,
  dac_read_search: 2,
  fowner: 3,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  net_bind_service: 10,
  net_admin: 12,
  net_raw: 13,
  sys_chroot: 18,
  sys_ptrace: 19,
  sys_admin: 21,
  syslog: 34,
  bpf: 39,
} as const;

/** A capability that a run may take. */
export type Capability = keyof typeof numbers;

/**
 * The capabilities of a run. For the bridge: `net_admin` makes veths, tc and nft rules and changes settings, `net_raw`
 * opens the sockets that senders are handed, `sys_admin` enters and makes namespaces and mounts /sys, `bpf` loads the
 * program that counts frames. To look: `sys_ptrace` shows which process holds a packet socket, and guests' namespaces,
 * `dac_read_search` opens files of other users. `syslog` names what BPF programs call. For processes with less:
 * `setpcap`, `setuid` and `setgid` take rights from them and end them, `sys_chroot` shuts them in.
 */
const runCapabilities = [
  'net_admin',
  'net_raw',
  'sys_admin',
  'bpf',
  'sys_ptrace',
  'syslog',
  'dac_read_search',
  'setpcap',
  'setuid',
  'setgid',
  'sys_chroot',
] as const satisfies readonly Capability[];

/** The paths that a run writes and reads. */
export interface RunPaths {
  readonly evidence: string;
  readonly reports: readonly string[];
  /** The key that signs the evidence; null = it is not signed. */
  readonly key: string | null;
}

/**
 * The capabilities of a run with these paths: evidence and reports may go into folders of other users. null = it writes
 * nothing there.
 */
export function capabilitiesOf(paths: RunPaths | null): readonly Capability[] {
  if (paths === null) return runCapabilities;
  const { evidence, reports, key } = paths;
  const isCallers = evidenceOwner() !== null;
  const reachesOthers = isCallers || [evidence, ...reports].some(goesToOthers) || (key !== null && isAgentOthers());
  return [
    ...runCapabilities,
    ...(reachesOthers ? (['dac_override'] as const) : []),
    ...(isCallers ? (['chown', 'fowner'] as const) : []),
  ];
}

/** To connect to the socket of an agent is to write to it. */
function isAgentOthers(): boolean {
  const agent = process.env['SSH_AUTH_SOCK'];
  return agent !== undefined && statSync(agent, { throwIfNoEntry: false })?.uid !== 0;
}

const [ownerWrites, ownerEnters] = [0o200, 0o100];

/** True if a file, or a folder that is made on the way, goes into a folder that root's own rights do not reach. */
function goesToOthers(path: string): boolean {
  const folder = dirname(resolve(path));
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return goesToOthers(folder);
  const needed = ownerWrites | ownerEnters;
  return stat.uid !== 0 || (stat.mode & needed) !== needed;
}

/**
 * A set of these capabilities and no other, as setpriv(1) takes it. CAP_BPF goes by its number, as libcap-ng before 0.8
 * has no name for it, and is left out before Linux 5.8.
 */
export function onlyThese(capabilities: readonly Capability[]): string {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const known = capabilities.filter((name) => numbers[name] <= last);
  return ['-all', ...known.map((name) => (name === 'bpf' ? `+cap_${numbers.bpf}` : `+${name}`))].join(',');
}

/** Options of setpriv(1): the program and all that it starts have these capabilities at most, and gain none. */
export function keepOnly(capabilities: readonly Capability[]): readonly string[] {
  return ['--inh-caps=-all', `--bounding-set=${onlyThese(capabilities)}`, '--no-new-privs'];
}

function setIn(status: string, name: 'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd'): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}

const maskOf = (names: readonly Capability[]): bigint =>
  names.reduce((mask, name) => mask | (1n << BigInt(numbers[name])), 0n);

function hasMore(capabilities: readonly Capability[]): boolean {
  const status = readFileSync('/proc/self/status', 'utf8');
  const surplus = (setIn(status, 'CapInh') | setIn(status, 'CapPrm') | setIn(status, 'CapBnd')) & ~maskOf(capabilities);
  const mayGain = !/^NoNewPrivs:\s*1$/m.test(status);
  return (surplus !== 0n || mayGain) && (setIn(status, 'CapEff') & maskOf(['setpcap'])) !== 0n;
}

/**
 * The program begins again, in the same process, with these capabilities: the bounding set of a process is that of all
 * its threads, and of all that it starts, only if it is born with it. `handed`: what it need not read again. Returns if
 * it has no more than these already, or cannot have less. Call it before anything is begun.
 */
export function beginAnew(capabilities: readonly Capability[], handed: unknown): void {
  if (!hasMore(capabilities)) return;
  const library = koffi().load(null);
  const setenv: (name: string, value: string, overwrite: number) => number = library.func(
    'int setenv(const char *, const char *, int)',
  );
  const execvp: (program: string, words: readonly (string | null)[]) => number = library.func(
    'int execvp(const char *, const char **)',
  );
  const fcntl: (fd: number, command: number, flags: number) => number = library.func('int fcntl(int, int, int)');
  const setFlags = 2; // F_SETFD: Node closes its streams for the program that is executed
  for (const stream of [0, 1, 2]) fcntl(stream, setFlags, 0);
  if (handed !== null) setenv(handedVariable, handOn(handed), 1);
  mayLockMemory();
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  execvp('setpriv', ['setpriv', ...keepOnly(capabilities), '--', ...program, null]);
  // setpriv(1) is missing: the first helper that it is to start says so.
  delete process.env[handedVariable];
}

/**
 * Root's program on a host goes on with the capabilities of a run and no others, to its end. `handed`: what it need not
 * read again. Call it before anything is begun.
 */
export function shedRights(paths: RunPaths, handed: unknown = null): void {
  if (isRootHere()) beginAnew(capabilitiesOf(paths), handed);
}
