import { readFileSync, statSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
import { mayLockMemory } from '../kernel/bpf.js';
import { koffi } from '../kernel/libc.js';
import { evidenceOwner, isRootHere } from './identity.js';

/** A tenth of the usual share (sched(7)): guests come first. */
const niceness = 10;

/** Lowers the priority of this process and later children. */
export function guestsFirst(): void {
  if (getPriority() < niceness) setPriority(niceness);
}

/** linux/capability.h, by setpriv(1)'s names. */
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

/** A capability for a run. */
export type Capability = keyof typeof numbers;

/**
 * `net_admin`: veths, tc, nft, settings. `net_raw`: senders. `sys_admin`: namespaces, /sys. `bpf`: counting frames.
 * `sys_ptrace`: socket holders, guests' namespaces. `dac_read_search`: others' files. `syslog`: BPF calls. `setpcap`,
 * `setuid`, `setgid`: removing rights, ending processes. `sys_chroot`: confining.
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

/** Paths that a run writes and reads. */
export interface RunPaths {
  readonly evidence: string;
  readonly reports: readonly string[];
  /** The evidence's signing key. null = none. */
  readonly key: string | null;
}

/** Evidence and reports may need more for other users' folders. null = no paths. */
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

/** Connecting to an agent's socket needs write permission. */
function isAgentOthers(): boolean {
  const agent = process.env['SSH_AUTH_SOCK'];
  return agent !== undefined && statSync(agent, { throwIfNoEntry: false })?.uid !== 0;
}

const [ownerWrites, ownerEnters] = [0o200, 0o100];

function goesToOthers(path: string): boolean {
  const folder = dirname(resolve(path));
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return goesToOthers(folder);
  const needed = ownerWrites | ownerEnters;
  return stat.uid !== 0 || (stat.mode & needed) !== needed;
}

/** setpriv(1)'s set. CAP_BPF goes by number (no name in libcap-ng before 0.8), and is absent before Linux 5.8. */
export function onlyThese(capabilities: readonly Capability[]): string {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const known = capabilities.filter((name) => numbers[name] <= last);
  return ['-all', ...known.map((name) => (name === 'bpf' ? `+cap_${numbers.bpf}` : `+${name}`))].join(',');
}

/** setpriv(1) options that limit program and children to these. */
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
 * Re-executes the program, as a bounding set covers all threads only from the start. Returns if nothing can be dropped.
 * Call it first.
 */
export function beginAnew(capabilities: readonly Capability[]): void {
  if (!hasMore(capabilities)) return;
  const library = koffi().load(null);
  const execvp: (program: string, words: readonly (string | null)[]) => number = library.func(
    'int execvp(const char *, const char **)',
  );
  const fcntl: (fd: number, command: number, flags: number) => number = library.func('int fcntl(int, int, int)');
  const setFlags = 2; // F_SETFD: Node closes its streams for the executed program
  for (const stream of [0, 1, 2]) fcntl(stream, setFlags, 0);
  mayLockMemory();
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  execvp('setpriv', ['setpriv', ...keepOnly(capabilities), '--', ...program, null]);
  // setpriv(1) is missing: the first helper reports that.
}

let isShed = false;

/** Limits root's program to a run's capabilities for good. Call it first: the program begins again, once. */
export function shedRights(paths: RunPaths): void {
  if (isRootHere() && !isShed) beginAnew(capabilitiesOf(paths));
  isShed = true;
}
