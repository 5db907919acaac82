import { basename, delimiter, dirname, relative } from 'node:path';
import { quoteForShell } from '../core/text/escape.js';

export interface Call {
  readonly script: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The words that start this program: `node dist/cli.cjs`, `verify-isolation` or `npx verify-isolation`. */
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

/** The words to call this process again. */
export function ownCall(): string {
  return calledAs({ script: process.argv[1] ?? '', cwd: process.cwd(), env: process.env });
}
