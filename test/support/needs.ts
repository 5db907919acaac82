import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

declare module 'vitest' {
  interface TaskMeta {
    /** Why this machine cannot run it; `npm test` prints it. */
    skipped?: string;
  }
}

/** Why a machine does not have what a test takes; null = it does. */
export type Missing = string | null;

/** Options of a test or a group of them: skipped where something that it takes is missing, and said why. */
export function needs(...parts: readonly Missing[]): { skip?: true; meta?: { skipped: string } } {
  const missing = parts.filter((part) => part !== null);
  return missing.length === 0 ? {} : { skip: true, meta: { skipped: missing.join(', ') } };
}

export const root: Missing = process.getuid?.() === 0 ? null : 'it takes root';

/** A program on the PATH, or where Debian keeps those of root. */
export function program(name: string): Missing {
  const { status } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], {
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  return status === 0 ? null : `the program ${name} is not installed`;
}

export function file(path: string): Missing {
  return existsSync(path) ? null : `${path} is not there`;
}
