import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
const scratch = scratchFolder('images');
/** What a reader of the picture reads. */
const textOf = (svg: string): string =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text).join('\n');

describe('the pictures of a terminal', () => {
  it('show what a real terminal shows of a command, to the end', needs(program('tmux')), () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        'scripts/terminal-images.mjs',
        '--into',
        scratch,
        'one',
        'node dist/cli.cjs explain control-missing && printf "\\033[1;31m<b>&\\033[0m\\n"',
      ],
      { cwd: top, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const svg = readFileSync(join(scratch, 'one.svg'), 'utf8');
    expect(textOf(svg)).toMatch(
      /\$ node dist\/cli\.cjs explain control-missing[^]*control-missing: a reason why evidence does not carry a verdict\./,
    );
    expect(svg).toMatch(/class="c1 b">&lt;b&gt;&amp;<\/text>/);
  });
});
