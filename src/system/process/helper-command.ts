import { spawnSync } from 'node:child_process';
import type { HelperRole } from '../../core/protocol/messages.js';
import { becomeOption, type Identity, isForEverybody, isKeptFromRoot, isRootHere } from './identity.js';
import { packagePath } from './package-path.js';
import { type Capability, onlyThese } from './process-rights.js';

/** The program of every helper. */
export const helperPath = packagePath('dist/helper.cjs');
const confinedPath = packagePath('dist/confined.cjs');

/** Packet sockets need CAP_NET_RAW. Senders receive theirs open. */
const capabilityOf: { readonly [R in HelperRole]: 'net_raw' | null } = {
  capture: 'net_raw',
  relay: 'net_raw',
  send: null,
};

/** Writing, making and removing files by name (landlock(7)). A process may still raise its own oom_score_adj. */
const landlockWords = [
  'fs:write-file,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym,refer,truncate',
  'fs:write-file,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym',
] as const;
const writing = 'write-file,remove-file,remove-dir,make-reg';
let landlock: readonly string[] | null = null;

/**
 * Needs Linux 5.13 with Landlock (`refer` and `truncate` 6.2) and util-linux 2.40. Otherwise only a sealed helper's
 * filter prevents opening.
 */
function landlockOptions(): readonly string[] {
  landlock ??=
    landlockWords
      .map((words) => [
        '--landlock-access',
        words,
        '--landlock-rule',
        'path-beneath:write-file:/proc/self/oom_score_adj',
      ])
      .find(
        (options) =>
          spawnSync('setpriv', ['--no-new-privs', ...options, '--', 'true'], { stdio: 'ignore' }).status === 0,
      ) ?? [];
  return landlock;
}

/**
 * setpriv(1) options for a process of `identity`. Until it hides itself a process without capabilities can be traced by
 * its user's others (kernel/ptrace.c; security/commoncap.c, cap_ptrace_access_check): it starts as root, which no user
 * traces. It inherits the capabilities to change its user, as a bounding set would outlast them. setpriv(1) sets the
 * bounding set first: two calls.
 */
function birth(needed: 'net_raw' | null, identity: Identity | null): readonly string[] {
  const capabilities: readonly Capability[] = needed === null ? [] : [needed];
  if (identity === null) return ['--inh-caps=-all', `--bounding-set=${onlyThese(capabilities)}`];
  if (isBornAsRoot(needed))
    return [
      '--clear-groups',
      `--inh-caps=${onlyThese([...capabilities, 'setuid', 'setgid', ...toLoad()])}`,
      '--',
      'setpriv',
      `--bounding-set=${onlyThese(capabilities)}`,
    ];
  return [
    `--reuid=${identity.uid}`,
    `--regid=${identity.gid}`,
    '--clear-groups',
    `--inh-caps=${onlyThese(capabilities)}`,
    `--ambient-caps=${onlyThese(capabilities)}`,
    `--bounding-set=${onlyThese(capabilities)}`,
  ];
}

function isBornAsRoot(needed: 'net_raw' | null): boolean {
  return needed === null || !isReadable();
}

function becomeWords(needed: 'net_raw' | null, identity: Identity | null): readonly string[] {
  return identity === null || !isBornAsRoot(needed) ? [] : [`${becomeOption}${identity.uid}:${identity.gid}`];
}

let readable: boolean | null = null;
/** Node or this program may lie below a closed home, such as root's. */
function isReadable(): boolean {
  readable ??= [process.execPath, helperPath, packagePath('package.json')].every(isForEverybody);
  return readable;
}

/** The program may lie in a folder closed to others, such as a home. */
function toLoad(): readonly Capability[] {
  return isRootHere() && !isReadable() && [process.execPath, helperPath].some(isKeptFromRoot)
    ? ['dac_read_search']
    : [];
}

/**
 * Command of a helper with at most one capability in all threads (setpriv(1)): dropping inside Node misses some. It
 * starts as `identity`. Senders, and all if only root may read the program, become it when sealed. The kernel kills it
 * with the orchestrator's thread.
 */
export function helperCommand(role: HelperRole, identity: Identity | null): readonly string[] {
  const needed = capabilityOf[role];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...birth(needed, identity),
    '--no-new-privs',
    ...landlockOptions(),
    '--',
    process.execPath,
    helperPath,
    role,
    ...becomeWords(needed, identity),
  ];
}

/**
 * Command of a process reading others' input (confined-process.ts). With a folder, root's until handed over, it stays
 * root with only the confining capability; else it becomes `identity`.
 */
export function confinedCommand(task: 'judge' | 'parse', identity: Identity | null): readonly string[] {
  const rights =
    task === 'judge' || identity === null
      ? [
          '--inh-caps=-all',
          `--bounding-set=${onlyThese([...(task === 'judge' ? ['sys_chroot' as const] : []), ...toLoad()])}`,
        ]
      : birth(null, identity);
  const below =
    task === 'judge' && landlockOptions().length > 0
      ? ['--landlock-rule', `path-beneath:${writing}:/proc/self/fd/3`]
      : [];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    ...rights,
    '--no-new-privs',
    ...landlockOptions(),
    ...below,
    '--',
    process.execPath,
    confinedPath,
    task,
    ...(task === 'parse' ? becomeWords(null, identity) : []),
  ];
}
