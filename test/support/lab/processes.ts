import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNamespaceFd } from '../../../src/system/kernel/namespaces.js';
import { procLink, procNames, procText } from '../../../src/system/kernel/proc-files.js';

/** Processes that `pid` has started, and theirs, as this process's namespace numbers them; with their command lines. */
export function descendants(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  const parents = new Map<number, number[]>();
  for (const name of procNames('/proc')) {
    const child = Number(name);
    const parent = parentOf(child);
    if (parent !== null) parents.set(parent, [...(parents.get(parent) ?? []), child]);
  }
  const below = (parent: number): readonly number[] =>
    (parents.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid).map((child) => ({ pid: child, command: procText(`/proc/${child}/cmdline`).replaceAll('\0', ' ') }));
}

function parentOf(pid: number): number | null {
  const status = Number.isInteger(pid) ? procText(`/proc/${pid}/stat`) : '';
  // The command stands in parentheses and may hold anything; state and parent follow it.
  const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ');
  return status === '' || state === 'Z' ? null : Number(parent);
}

/**
 * Network namespaces that a process of `pids` is in or holds by a descriptor: endpoints' are held by descriptors only.
 */
export function namespacesOf(pids: readonly number[]): ReadonlySet<string> {
  const links = pids.flatMap((pid) => [
    `/proc/${pid}/ns/net`,
    ...procNames(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`),
  ]);
  return new Set(links.map(procLink).filter((target) => target.startsWith('net:[')));
}

/**
 * True for what a test that still runs has started: its parents lead to a test runner. What a run leaves behind has
 * lost its launcher, and they lead past it.
 */
function isOfRunningTest(pid: number): boolean {
  for (let ancestor = parentOf(pid); ancestor !== null && ancestor > 1; ancestor = parentOf(ancestor))
    if (procText(`/proc/${ancestor}/cmdline`).includes('vitest')) return true;
  return false;
}

/**
 * Of `pids` those that still are processes (not zombies), and who in the whole system still is in one of `namespaces`
 * or holds it. The kernel gives a namespace's number to the next one made (ida, fs/nsfs.c), so a lab beside this test
 * may have it already. `mayBeOfRun`: false for its processes.
 */
export function left(
  pids: readonly number[],
  namespaces: ReadonlySet<string>,
  mayBeOfRun = (pid: number): boolean => !isOfRunningTest(pid),
): readonly string[] {
  const alive = pids
    .filter((pid) => parentOf(pid) !== null)
    .map((pid) => `process ${pid}: ${procText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
  const holders = procNames('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) =>
      [...namespacesOf([pid])]
        .filter((namespace) => namespaces.has(namespace) && mayBeOfRun(pid))
        .map((namespace) => `${namespace} held by ${pid}`),
    );
  return [...alive, ...holders];
}

/** What is left after `maxMs` at most; returns as soon as nothing is. */
export async function leftAfter(
  maxMs: number,
  pids: readonly number[],
  namespaces: ReadonlySet<string>,
  mayBeOfRun?: (pid: number) => boolean,
): Promise<readonly string[]> {
  for (const began = performance.now(); performance.now() - began < maxMs; await sleep(20)) {
    if (left(pids, namespaces, mayBeOfRun).length === 0) return [];
  }
  return left(pids, namespaces, mayBeOfRun);
}

/** A tcpdump of the frames that come in at eth0 and match a filter, a line each. */
export function incoming(filter: string): readonly string[] {
  return ['tcpdump', '--immediate-mode', '-Z', 'root', '-n', '-e', '-l', '-i', 'eth0', '-Q', 'in', filter];
}

/** Resolves when a tcpdump listens, which it says on stderr; rejects where it ends without. */
export async function untilListening(tcpdump: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = '';
    tcpdump.stderr?.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('listening on ')) resolve();
    });
    tcpdump.once('exit', () => reject(new Error(`tcpdump ended before it listened: ${said}`)));
  });
}

/** Resolves when a run says that it is probing. */
export function probing(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.stderr?.on('data', (chunk) => (/: probing, \d/.test(String(chunk)) ? resolve() : undefined)),
  );
}

/** A process that does nothing in a network namespace: what only a descriptor holds, a run does not find. */
export interface Tenant {
  readonly pid: number;
  /** Ends it; resolves when it is gone. */
  end(): Promise<void>;
}

/** `start` starts the command that it gets where the tenant is to live. Throws where there is no such program. */
export function startTenant(start: (words: readonly string[]) => ChildProcess): Tenant {
  const child = start(['sleep', '3600']);
  const { pid } = child;
  if (pid === undefined) throw new Error('no process could be started');
  return {
    pid,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** A tenant of the namespace behind a descriptor. */
export function tenantOf(namespace: number): Tenant {
  return startTenant(([program = '', ...args]) =>
    inNamespaceFd(namespace, () => spawn(program, args, { stdio: 'ignore' })),
  );
}
