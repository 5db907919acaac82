import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'man-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...argv: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const [program = '', ...args] = argv;
  return spawnSync(program, args, {
    cwd: top,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100' },
  });
}

describe('the man pages', () => {
  beforeAll(() => {
    const { status, stderr } = run(process.execPath, 'scripts/man.mjs', folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are there for every command that --help lists, with every option of it', () => {
    const help = run(process.execPath, 'dist/cli.cjs', '--help').stdout;
    const names = [...help.matchAll(/^ {2}verify-isolation (\S+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'completion');
    expect(names.length).toBeGreaterThan(10);
    expect(readdirSync(folder).sort()).toEqual(
      ['verify-isolation.1', ...names.map((name) => `verify-isolation-${name}.1`)].sort(),
    );
    for (const name of ['run', 'audit', 'watch']) {
      const options = [...run(process.execPath, 'dist/cli.cjs', name, '--help').stdout.matchAll(/^ {2,8}--([a-z-]+)/gm)]
        .map(([, option = '']) => option)
        .filter((option) => !['help', 'version'].includes(option));
      expect(options.length).toBeGreaterThan(3);
      const page = readFileSync(join(folder, `verify-isolation-${name}.1`), 'utf8');
      expect(options.filter((option) => !page.includes(`\\fB\\-\\-${option.replaceAll('-', '\\-')}\\fR`))).toEqual([]);
    }
  });

  it('are part of the package', () => {
    const manifest: { readonly directories?: { readonly man?: string }; readonly files?: readonly string[] } =
      JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
    expect(manifest.directories?.man).toBe('dist/man');
    expect(manifest.files).toContain('dist');
  });
});
