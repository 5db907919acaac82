import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
import { koffi } from '../kernel/libc.js';
import { type Capability, keepOnly } from './capabilities.js';
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

/** Reported to the program that takes this one's place, so that it does so once. */
const marker = 'VERIFY_ISOLATION_SHED';

/**
 * What a run on a host takes. For the bridge: `net_admin` makes veths, tc and nft rules and changes settings,
 * `net_raw` opens the sockets that senders are handed, `sys_admin` enters and makes namespaces and mounts /sys, `bpf`
 * loads the counting ear. To look: `sys_ptrace` shows who holds a packet socket and guests' namespaces,
 * `dac_read_search` opens files of others that it is instructed to read. For processes with less: `setpcap`, `setuid`
 * and `setgid` take rights from them, `sys_chroot` shuts them in.
 */
const whole = [
  'net_admin',
  'net_raw',
  'sys_admin',
  'bpf',
  'sys_ptrace',
  'dac_read_search',
  'setpcap',
  'setuid',
  'setgid',
  'sys_chroot',
] as const satisfies readonly Capability[];

/**
 * Moments of a run from which on it takes less: `hearing`, the last step's ears and senders are open, and no process is
 * started any more; `read`, the state after it is read; `undone`, the topology is as it was before, and what was heard
 * is to be read; `written`, the evidence is whole and handed over.
 */
export type RightsMoment = 'hearing' | 'read' | 'undone' | 'written';

/** `setuid` ends helpers, which are somebody else; `setpcap` closes the bounding set of what is given up. */
const from: { readonly [M in RightsMoment]: readonly Capability[] } = {
  hearing: whole.filter((name) => !['bpf', 'sys_chroot', 'setgid'].includes(name)),
  read: ['net_admin', 'sys_admin', 'setuid', 'setpcap'],
  undone: [],
  written: [],
};

/** What a run is to write and read, by path. */
export interface RunPaths {
  readonly evidence: string;
  readonly reports: readonly string[];
  /** The key that signs the evidence; null = it is not signed. */
  readonly key: string | null;
}

/** What evidence and reports take beside: they go where root may write because nothing is kept from it. */
function forPaths({ evidence, reports, key }: RunPaths, moment: RightsMoment | 'begun'): readonly Capability[] {
  const isCallers = evidenceOwner() !== null;
  const begins = moment !== 'undone' && moment !== 'written';
  const isToOthers = reports.some(goesToOthers) || (begins && (isCallers || goesToOthers(evidence)));
  return [
    ...(isToOthers ? (['dac_override'] as const) : []),
    ...(isCallers && moment !== 'written' ? (['chown'] as const) : []),
    ...(isCallers && begins ? (['fowner'] as const) : []),
    ...(key !== null && moment !== 'written' && !isRoots(key) ? (['dac_read_search'] as const) : []),
  ];
}

/** Whether root reads it as its owner. */
function isRoots(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.uid === 0;
}

const [ownerWrites, ownerEnters] = [0o200, 0o100];

/** Whether a file, or a folder that is made on the way, goes into a folder that root's own rights do not reach. */
function goesToOthers(path: string): boolean {
  const folder = dirname(resolve(path));
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return goesToOthers(folder);
  const needed = ownerWrites | ownerEnters;
  return found.uid !== 0 || (found.mode & needed) !== needed;
}

function setprivWords(capabilities: readonly string[]): readonly string[] {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  return ['setpriv', '--inh-caps=-all', `--bounding-set=${set}`, '--no-new-privs', '--'];
}

/**
 * The program begins anew, in the same process, with these capabilities: the bounding set of a process is that of all
 * its threads, and of all that it starts, also where it is born with it. `handed`: what it need not read again. Returns
 * where it has done so already, or setpriv(1) does not know how. Call it before anything is begun.
 */
export function beginAnew(capabilities: readonly Capability[], handed: unknown): void {
  if (process.env[marker] !== undefined || !/^NoNewPrivs:\s*0$/m.test(readFileSync('/proc/self/status', 'utf8')))
    return;
  const words = [capabilities, capabilities.filter((name) => name !== 'bpf')]
    .map(setprivWords)
    .find(([program = '', ...rest]) => spawnSync(program, [...rest, 'true'], { stdio: 'ignore' }).status === 0);
  if (words === undefined) return;
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
  setenv(marker, '1', 1);
  if (handed !== null) setenv(handedVariable, handOn(handed), 1);
  execvp('setpriv', [...words, process.execPath, ...process.execArgv, ...process.argv.slice(1), null]);
  // Where that fails the program goes on as it was: nothing has been begun.
  delete process.env[handedVariable];
}

/**
 * Root's program on a host goes on with the capabilities that a run takes, and no_new_privs: in all its threads, or, on
 * machines whose threads it does not reach, by beginning anew, for which `handed` is what it need not read again. Call
 * it before anything is begun.
 */
export function shedRights(paths: RunPaths, handed: unknown = null): void {
  if (!isRootHere()) return;
  const kept = [...whole, ...forPaths(paths, 'begun')];
  if (!keepOnly(kept)) beginAnew(kept, handed);
}

/**
 * Gives up for good what a run takes no more from that moment on; false where that cannot be done on this machine. A
 * lab's, which may be that of a user namespace, ends with its process, and keeps what it has until it is undone.
 */
export function giveUpRights(moment: RightsMoment, paths: RunPaths): boolean {
  return keepOnly([...from[moment], ...forPaths(paths, moment)]);
}
