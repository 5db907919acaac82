import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** A checkout below a folder that only its owner may enter: helpers are born as root there, and become nobody later. */
function isForEverybody(path: string): boolean {
  return (statSync(path).mode & 0o005) === 0o005 && (path === '/' || isForEverybody(dirname(path)));
}

export const readable: Missing = isForEverybody(fileURLToPath(new URL('../..', import.meta.url)))
  ? null
  : 'the checkout is below a folder that others may not enter';

/** For a program that has no namespace: others share this machine's kernel, a second one runs one file at a time. */
export const alone: Missing =
  process.env['VERIFY_ISOLATION_OWN_KERNEL'] === '1'
    ? null
    : 'the program has no namespace, and other tests on this kernel would find it: npm run test:kernel has its own';
