import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { messageOf, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { CLONE_NEWNET, libc } from './libc.js';

/** `/proc/self` would name the process's first thread. */
const threadNamespace = '/proc/thread-self/ns/net';

/**
 * Runs synchronous `fn` in the namespace at `path` (null = its own): sockets, children, /proc/sys/net,
 * /proc/thread-self/net. libuv's later work stays outside. The process ends if the thread cannot return.
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

/** As `inNamespace`, for a descriptor. */
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

/** A nameless network namespace, which lives while its descriptor, processes, sockets or links do. */
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

/** Moves the calling thread for good. */
export function enterNewNamespace(): void {
  if (libc().unshare(CLONE_NEWNET) !== 0) throw refused('make a network namespace');
}

/** For present and later links of the calling thread's network namespace. */
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
 * Distinguishes network namespaces, also successive ones at a path (null = this process's). A missing one is its path.
 */
export function namespaceIdentity(netns: string | null): string {
  if (netns === null) return 'own';
  const stat = statSync(netns, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? netns : `${stat.dev}:${stat.ino}`; // opening it reports that it is missing
}
