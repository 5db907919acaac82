import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { messageOf, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { CLONE_NEWNET, libc } from './libc.js';

/** The calling thread's network namespace; `/proc/self` would name the process's first thread. */
const threadNamespace = '/proc/thread-self/ns/net';

/**
 * Runs `fn` with the calling thread in the network namespace at `path` (`/proc/self/fd/17`, `/run/netns/x`) and returns
 * to where it was; null = runs it where it is. Only what happens synchronously on this thread is inside: sockets made,
 * children spawned, files of /proc/sys/net and /proc/thread-self/net read. What libuv does later (connect, lookups,
 * asynchronous files) is outside again. Ends the process when it cannot come back: in a wrong namespace nothing that
 * follows could be trusted.
 */
export function inNamespace<T>(path: string | null, fn: () => T): T {
  if (path === null) return fn();
  const target = open(path);
  try {
    return inNamespaceFd(target, fn);
  } finally {
    closeSync(target);
  }
}

/** As inNamespace, for a namespace that is held open as a descriptor. */
export function inNamespaceFd<T>(fd: number, fn: () => T): T {
  const home = open(threadNamespace);
  try {
    enter(fd, `descriptor ${fd}`);
    try {
      return fn();
    } finally {
      if (libc().setns(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

/**
 * A new network namespace without a name; it lives as long as the descriptor that is returned (or a process, a socket
 * or a link in it). `prepare` runs inside before anything else does.
 */
export function newNamespace(prepare: () => void = () => undefined): number {
  const home = open(threadNamespace);
  try {
    if (libc().unshare(CLONE_NEWNET) !== 0) throw refused('make a network namespace');
    try {
      prepare();
      return open(threadNamespace);
    } finally {
      if (libc().setns(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

/**
 * Moves the calling thread into a new network namespace for good; the old one ends with its last descriptor, process
 * and socket.
 */
export function enterNewNamespace(): void {
  if (libc().unshare(CLONE_NEWNET) !== 0) throw refused('make a network namespace');
}

/**
 * No IPv6 in the calling thread's network namespace, for links that exist and links to come. A kernel without IPv6 is
 * fine.
 */
export function disableIpv6(): void {
  for (const scope of ['all', 'default']) {
    try {
      writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '1');
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new VerifyError(
      'namespace-missing',
      69,
      `cannot open the network namespace ${path}: ${messageOf(error)}`,
      'is the guest or the namespace it lives in still there?',
    );
  }
}

function enter(fd: number, what: string): void {
  if (libc().setns(fd, CLONE_NEWNET) !== 0) throw refused(`enter the network namespace of ${what}`);
}

function refused(what: string): VerifyError {
  const name = libc().errnoName(libc().errno());
  return new VerifyError(
    'namespace-refused',
    69,
    `the kernel refuses to ${what}: ${name}`,
    'run as root; in a container give it CAP_SYS_ADMIN',
  );
}

/**
 * Distinguishes network namespaces, also those of one path one after the other; null = this process's. Of a path that
 * is not there the path.
 */
export function namespaceIdentity(netns: string | null): string {
  if (netns === null) return 'own';
  const stat = statSync(netns, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? netns : `${stat.dev}:${stat.ino}`; // opening it reports that it is not there
}
