import { readFileSync } from 'node:fs';
import { inNamespace } from '../system/kernel/namespaces.js';

/**
 * Frames that devices dropped, received and sent together, from /proc/net/dev (net/core/net-procfs.c): columns 4 and 12
 * behind the name.
 */
export function parseDrops(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    text
      .split('\n')
      .slice(2)
      .flatMap((line) => {
        const at = line.lastIndexOf(':');
        const columns = line
          .slice(at + 1)
          .trim()
          .split(/\s+/)
          .map(Number);
        const drops = (columns[3] ?? Number.NaN) + (columns[11] ?? Number.NaN);
        return at < 0 || Number.isNaN(drops) ? [] : [[line.slice(0, at).trim(), drops] as const];
      }),
  );
}

/** Drops of every device of a namespace, by name. */
export function readDrops(netns: string | null): Readonly<Record<string, number>> {
  return parseDrops(inNamespace(netns, () => readFileSync('/proc/thread-self/net/dev', 'utf8')));
}
