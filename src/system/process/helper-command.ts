import { spawnSync } from 'node:child_process';
import type { HelperRole } from '../../core/protocol/messages.js';
import { becomeOption, type Identity, isForEverybody, isKeptFromRoot, isRootHere } from './identity.js';
import { packagePath } from './package-path.js';
import { type Capability, onlyThese } from './process-rights.js';

/** The built program of every helper. */
export const helperPath = packagePath('dist/helper.cjs');
/** That of processes that read what others wrote. */
const confinedPath = packagePath('dist/confined.cjs');

/** The one capability that a role needs: those that open packet sockets CAP_NET_RAW; who sends gets them open. */
const capabilityOf: { readonly [R in HelperRole]: 'net_raw' | null } = {
  capture: 'net_raw',
  relay: 'net_raw',
  send: null,
};

/**
 * To write to a file that is opened by its name, to make one or to take one away (landlock(7)). A process may make
 * itself the first that the kernel kills when memory runs out.
 */
const landlockWords = [
  'fs:write-file,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym,refer,truncate',
  'fs:write-file,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym',
] as const;
const writing = 'write-file,remove-file,remove-dir,make-reg';
let landlock: readonly string[] | null = null;

/**
 * Options of setpriv(1) by which all threads of a program may change no file that it opens itself. Tried once: they
 * take Linux 5.13 with Landlock (`refer` and `truncate` 6.2), and setpriv of util-linux 2.40. Without them it is the
 * filter of a sealed helper that keeps it from opening anything.
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
 * The options of setpriv(1) that a process of `identity` is born with. A process without capabilities can be traced by
 * every other of its user until it hides itself (kernel/ptrace.c; security/commoncap.c, cap_ptrace_access_check): it is
 * born as root, which no user traces. It inherits the capabilities that it takes to become another user, for a bounding
 * set would outlast them. That needs two calls: setpriv(1) sets the bounding set first.
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
/** Node or this program may lie below a home that nobody else may enter: of root's, say. */
function isReadable(): boolean {
  readable ??= [process.execPath, helperPath, packagePath('package.json')].every(isForEverybody);
  return readable;
}

/** What root takes to load this program from a folder that is its owner's alone, such as a checkout in a home. */
function toLoad(): readonly Capability[] {
  return isRootHere() && !isReadable() && [process.execPath, helperPath].some(isKeptFromRoot)
    ? ['dac_read_search']
    : [];
}

/**
 * The command of a helper that is born with one capability at most in all its threads (setpriv(1) of util-linux): a set
 * dropped later inside Node leaves other threads privileged. It is born as `identity`; one that sends becomes it when
 * it is sealed, and so do all if only root may read this program. Files are opened for it, and handed over. The kernel
 * kills it should the orchestrator's thread end.
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
 * The command of a process that reads what others wrote (confined-process.ts). One with a folder, which is root's until
 * it is handed over, stays root without a capability, but for the one by which it shuts itself in there; one that needs
 * no file becomes `identity` with that.
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
