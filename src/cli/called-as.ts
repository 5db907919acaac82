import { basename, delimiter, dirname, relative } from 'node:path';
import { quoteForShell } from '../core/text/escape.js';

/** How a process was called, as far as that decides how it is called again. */
export interface Call {
  /** The script, as Node has it. */
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * What to type for this program, as it was called: `node dist/cli.cjs` from a checkout, `verify-isolation` where that
 * is what a shell finds or the package's launcher says so, `npx verify-isolation` where npx started it.
 */
export function calledAs({ script, cwd, env }: Call): string {
  const launcher = env['VERIFY_ISOLATION_LAUNCHER'] ?? '';
  if (launcher !== '') return quoteForShell(launcher);
  if (script === '') return 'verify-isolation';
  if (env['npm_command'] === 'exec') return 'npx verify-isolation';
  if (basename(script) === 'verify-isolation' && (env['PATH'] ?? '').split(delimiter).includes(dirname(script)))
    return 'verify-isolation';
  const near = relative(cwd, script);
  return `node ${quoteForShell(near.startsWith('..') ? script : near)}`;
}

/** How this process was called. */
export function ownCall(): string {
  return calledAs({ script: process.argv[1] ?? '', cwd: process.cwd(), env: process.env });
}
