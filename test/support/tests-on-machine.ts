import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readRun, type Run } from '../../scripts/test-sum.mjs';

const top = resolve(import.meta.dirname, '../..');

/**
 * Runs tests in a mount namespace that ends with them. `changes`: lines of a shell (`set -e`) that make the machine and
 * may end in another folder with this checkout; `words`: arguments of vitest.
 */
export function testsOnMachine(changes: string, words: readonly string[]): Run & { readonly status: number | null } {
  const scratch = mkdtempSync(join(tmpdir(), 'tests-on-machine-'));
  const report = join(scratch, 'report.json');
  const inherited = Object.entries(process.env).filter(([name]) => !/^VITEST|^VERIFY_ISOLATION_LEVEL$/.test(name));
  try {
    const { status, stderr } = spawnSync(
      'unshare',
      [
        ...['--mount', '--propagation', 'private', 'sh', '-c', `set -e\nS=${scratch}\n${changes}\nexec "$@"`, 'sh'],
        ...[process.execPath, 'node_modules/vitest/vitest.mjs', 'run', ...words],
        ...['--reporter=json', `--outputFile=${report}`],
      ],
      { cwd: top, encoding: 'utf8', env: Object.fromEntries(inherited) },
    );
    const read = (): string => {
      try {
        return readFileSync(report, 'utf8');
      } catch {
        throw new Error(`the tests left no report: ${stderr}`);
      }
    };
    return { status, ...readRun('', JSON.parse(read()), { cwd: top, end: status ?? 1 }) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
