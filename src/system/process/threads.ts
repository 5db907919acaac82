import { readdirSync, readFileSync } from 'node:fs';

let allowed = true;

/** A confined process cannot load Node's threads. */
export function keepToOneThread(): void {
  allowed = false;
}

/** True if work may go to a thread. */
export function mayStartThreads(): boolean {
  return allowed;
}

/** Real uid, and all threads' effective capabilities together, as CapEff in /proc/self/status. */
export function processRights(): { readonly uid: number; readonly capabilities: string } {
  const sets = readdirSync('/proc/self/task').map((thread) => {
    try {
      return BigInt(
        `0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'))?.[1] ?? '0'}`,
      );
    } catch {
      return 0n; // the thread has ended
    }
  });
  const capabilities = sets
    .reduce((sum, set) => sum | set, 0n)
    .toString(16)
    .padStart(16, '0');
  return { uid: process.getuid?.() ?? 0, capabilities };
}
