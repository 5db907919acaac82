import { readdirSync, readFileSync } from 'node:fs';

let allowed = true;

/** From now on this process starts no thread of Node's: a confined one cannot load their programs. */
export function keepToOneThread(): void {
  allowed = false;
}

/** True if work may be given to a thread of its own. */
export function mayStartThreads(): boolean {
  return allowed;
}

/**
 * What this process may do: its real uid, and the effective capabilities of all its threads together (16 hexadecimal
 * digits, as CapEff in /proc/self/status). Each thread has a set of its own: a set dropped in one of them is still
 * there in the others.
 */
export function processRights(): { readonly uid: number; readonly capabilities: string } {
  const sets = readdirSync('/proc/self/task').map((thread) => {
    try {
      return BigInt(
        `0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'))?.[1] ?? '0'}`,
      );
    } catch {
      return 0n; // the thread ended meanwhile
    }
  });
  const capabilities = sets
    .reduce((sum, set) => sum | set, 0n)
    .toString(16)
    .padStart(16, '0');
  return { uid: process.getuid?.() ?? 0, capabilities };
}
