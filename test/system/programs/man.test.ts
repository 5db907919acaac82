import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
const folder = scratchFolder('man');

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

describe('the man pages', needs(program('man')), () => {
  beforeAll(() => {
    const { status, stderr } = run(process.execPath, 'scripts/man.mjs', folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are formatted by man without a warning', () => {
    const pages = readdirSync(folder);
    const { status, stdout, stderr } = run('man', '--warnings', '-l', ...pages.map((name) => join(folder, name)));
    expect({ status, stderr, formatted: stdout.match(/^EXIT STATUS$/gm)?.length }).toEqual({
      status: 0,
      stderr: '',
      formatted: pages.length,
    });
  });
});
