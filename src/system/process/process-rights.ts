import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
import { inEveryThread, type RawCall } from '../kernel/every-thread.js';
import { koffi } from '../kernel/libc.js';
import { handedVariable, handOn } from './handed.js';
import { evidenceOwner, isKeptFromRoot, isRootHere } from './identity.js';
import { packagePath } from './package-path.js';

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

/** Numbers of linux/capability.h, by the names that setpriv(1) knows. */
const numbers = {
  chown: 0,
  dac_override: 1,
  dac_read_search: 2,
  fowner: 3,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  net_admin: 12,
  net_raw: 13,
  sys_chroot: 18,
  sys_ptrace: 19,
  sys_admin: 21,
  bpf: 39,
} as const;

/** A capability that a run may take. */
export type Capability = keyof typeof numbers;

/** Numbers of the system calls of x86-64, and options of linux/prctl.h. */
const [capset, prctl] = [126, 157] as const;
const [dropFromBounding, noNewPrivileges] = [24, 38] as const;
const capabilityVersion3 = 0x2008_0522;
/** The sets that a thread has, as /proc/PID/status names them; none is larger than 64 bits. */
type SetName = 'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb';

function setIn(status: string, name: SetName): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}

const maskOf = (names: readonly Capability[]): bigint =>
  names.reduce((mask, name) => mask | (1n << BigInt(numbers[name])), 0n);

/** Header and data of capset(2): effective, permitted and inheritable of 0 to 31, then of those above. */
function capsetBytes(permitted: bigint): Uint8Array {
  const [low, high] = [Number(permitted & 0xffff_ffffn), Number(permitted >> 32n)];
  return new Uint8Array(new Uint32Array([capabilityVersion3, 0, low, low, 0, high, high, 0]).buffer);
}

/**
 * From now on this process, in all its threads, and all that it starts have at most these capabilities, none of them
 * inheritable or ambient, and gain none by what they execute (no_new_privs). What is not there now does not come back.
 * False where that cannot be done, as `inEveryThread` says.
 */
export function keepOnly(names: readonly Capability[]): boolean {
  const mask = maskOf(names);
  const now = readFileSync('/proc/self/status', 'utf8');
  const permitted = setIn(now, 'CapPrm') & mask;
  // The bounding set is closed to who lacks CAP_SETPCAP: what it holds then was let in by who started this process.
  const mayBound = (setIn(now, 'CapEff') & maskOf(['setpcap'])) !== 0n;
  const bounding = mayBound ? setIn(now, 'CapBnd') & ~mask : 0n;
  const isDone = (status: string): boolean =>
    (setIn(status, 'CapBnd') & bounding) === 0n &&
    [setIn(status, 'CapPrm'), setIn(status, 'CapEff')].every((set) => (set & ~permitted) === 0n) &&
    setIn(status, 'CapInh') === 0n &&
    setIn(status, 'CapAmb') === 0n &&
    /^NoNewPrivs:\s*1$/m.test(status);
  const surplus = Array.from({ length: 64 }, (_, at) => at).filter((at) => ((bounding >> BigInt(at)) & 1n) === 1n);
  return inEveryThread(
    capsetBytes(permitted),
    (data): readonly RawCall[] => [
      ...surplus.map((capability) => [prctl, dropFromBounding, capability] as const),
      [prctl, noNewPrivileges, 1],
      [capset, data, data + 8n],
    ],
    isDone,
  );
}

/**
 * What a run on a host takes. For the bridge: `net_admin` makes veths, tc and nft rules and changes settings,
 * `net_raw` opens the sockets that senders are handed, `sys_admin` enters and makes namespaces and mounts /sys, `bpf`
 * loads the counting ear. To look: `sys_ptrace` shows which process holds a packet socket, and guests' namespaces,
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
 * Moments of a run after which it needs fewer rights: `hearing`, the last step's ears and senders are open, and no
 * process is started any more; `read`, the state after it is read; `undone`, the topology is as it was before, and what
 * was heard is to be read; `written`, the evidence is whole and handed over.
 */
export type RightsMoment = 'hearing' | 'read' | 'undone' | 'written';

/**
 * `setuid` ends helpers, which are somebody else; `sys_ptrace` comes to namespaces by /proc/PID, of processes that have
 * more rights than are left; `setpcap` closes the bounding set of what is given up.
 */
const from: { readonly [M in RightsMoment]: readonly Capability[] } = {
  hearing: whole.filter((name) => !['bpf', 'sys_chroot', 'setgid'].includes(name)),
  read: ['net_admin', 'sys_admin', 'sys_ptrace', 'setuid', 'setpcap'],
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

/** Rights that evidence and reports need besides: they go where root may write because nothing is kept from it. */
function forPaths({ evidence, reports, key }: RunPaths, moment: RightsMoment | 'begun'): readonly Capability[] {
  const isCallers = evidenceOwner() !== null;
  const begins = moment !== 'undone' && moment !== 'written';
  const forKey = key === null || moment === 'written' ? [] : forSigning(key);
  const isToOthers = reports.some(goesToOthers) || (begins && (isCallers || goesToOthers(evidence)));
  const handsOver = isCallers && (moment !== 'written' || reports.length > 0);
  return [
    ...forKey,
    ...forProgram(),
    ...(isToOthers ? (['dac_override'] as const) : []),
    ...(handsOver ? (['chown'] as const) : []),
    ...(isCallers && begins ? (['fowner'] as const) : []),
  ];
}

/** To load the rest of the program from a folder that is its owner's alone, such as a checkout in a home directory. */
function forProgram(): readonly Capability[] {
  return [packagePath('package.json'), process.execPath].some(isKeptFromRoot) ? ['dac_read_search'] : [];
}

/** To read a key of another user's, and to connect to such an agent, which is to write to it. */
function forSigning(key: string): readonly Capability[] {
  const agent = process.env['SSH_AUTH_SOCK'];
  const isAgentRoots = agent === undefined || isRoots(agent);
  return [
    ...(isAgentRoots ? [] : (['dac_override'] as const)),
    ...(isRoots(key) ? [] : (['dac_read_search'] as const)),
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
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return goesToOthers(folder);
  const needed = ownerWrites | ownerEnters;
  return stat.uid !== 0 || (stat.mode & needed) !== needed;
}

/** A set of these capabilities and no other, as setpriv(1) takes it. */
export function onlyThese(capabilities: readonly Capability[]): string {
  return ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
}

function setprivWords(capabilities: readonly Capability[]): readonly string[] {
  const set = onlyThese(capabilities);
  return ['setpriv', '--inh-caps=-all', `--bounding-set=${set}`, '--no-new-privs', '--'];
}

/**
 * The program begins again, in the same process, with these capabilities: the bounding set of a process is that of all
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
 * machines whose threads it does not reach, by beginning again, for which `handed` is what it need not read again. Call
 * it before anything is begun.
 */
export function shedRights(paths: RunPaths, handed: unknown = null): void {
  if (!isRootHere()) return;
  const capabilities = [...whole, ...forPaths(paths, 'begun')];
  if (!keepOnly(capabilities)) beginAnew(capabilities, handed);
}

/**
 * Drops for good the rights that nothing after that moment of a run needs; false where this machine cannot drop them.
 * The process of a lab, which may be root in a user namespace alone, ends with the lab, and keeps its rights until the
 * lab is undone.
 */
export function giveUpRights(moment: RightsMoment, paths: RunPaths): boolean {
  return keepOnly([...from[moment], ...forPaths(paths, moment)]);
}
