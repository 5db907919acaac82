import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
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

/** Reported to the program that takes this one's place, so that it does so once. */
const marker = 'VERIFY_ISOLATION_SHED';

/**
 * What a run on a host takes. For the bridge: `net_admin` makes veths, tc and nft rules and changes settings,
 * `net_raw` opens the sockets that senders are handed, `sys_admin` enters and makes namespaces and mounts /sys, `bpf`
 * loads the counting ear. To look: `sys_ptrace` shows who holds a packet socket and guests' namespaces,
 * `dac_read_search` opens files of others that it is instructed to read. For processes with less: `setpcap`, `setuid`
 * and `setgid` take rights from them, `sys_chroot` shuts them in.
 */
const kept = [
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
] as const;
/** Evidence is made in a folder of the user that called sudo, and given to that user. */
const keptForCaller = ['dac_override', 'chown', 'fowner'] as const;
/** A report or evidence goes where root may write because nothing is kept from it, and not because it is root's. */
const keptForOthersFolders = ['dac_override'] as const;

const [ownerWrites, ownerEnters] = [0o200, 0o100];

/** Whether a file, or a folder that is made on the way, goes into a folder that root's own rights do not reach. */
function goesToOthers(path: string): boolean {
  const folder = dirname(resolve(path));
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return goesToOthers(folder);
  const needed = ownerWrites | ownerEnters;
  return found.uid !== 0 || (found.mode & needed) !== needed;
}

function isBoundAlready(): boolean {
  return process.env[marker] !== undefined || !/^NoNewPrivs:\s*0$/m.test(readFileSync('/proc/self/status', 'utf8'));
}

function setprivWords(capabilities: readonly string[]): readonly string[] {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  return ['setpriv', '--inh-caps=-all', `--bounding-set=${set}`, '--no-new-privs', '--'];
}

/**
 * Root's program on a host begins anew, in the same process, with the capabilities that a run takes and no_new_privs:
 * the bounding set of a process is that of all its threads, and of all that it starts, only where it is born with it.
 * `written`: files and folders that it will write; `handed`: what it need not read again. Returns where that is so
 * already, this is not root, or setpriv(1) does not know how. Call it before anything is begun.
 */
export function shedRights(written: readonly string[] = [], handed: unknown = null): void {
  if (!isRootHere() || isBoundAlready()) return;
  const own = [
    ...kept,
    ...(evidenceOwner() === null ? [] : keptForCaller),
    ...(written.some(goesToOthers) ? keptForOthersFolders : []),
  ];
  const words = [own, own.filter((name) => name !== 'bpf')]
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
