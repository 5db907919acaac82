import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'images-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
/** What a reader of the picture reads. */
const textOf = (svg: string): string =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text).join('\n');

describe('the pictures of a terminal', () => {
  it.skipIf(!has('tmux'))(
    'show what a real terminal shows of a command, to the end',
    () => {
      const { status, stderr } = spawnSync(
        process.execPath,
        [
          'scripts/terminal-images.mjs',
          '--into',
          scratch,
          'one',
          'npx verify-isolation explain control-missing && printf "\\033[1;31m<b>&\\033[0m\\n"',
        ],
        { cwd: top, encoding: 'utf8' },
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const svg = readFileSync(join(scratch, 'one.svg'), 'utf8');
      expect(textOf(svg)).toMatch(
        /\$ npx verify-isolation explain control-missing[^]*control-missing: a reason why evidence does not carry a verdict\./,
      );
      expect(svg).toMatch(/class="c1 b">&lt;b&gt;&amp;<\/text>/);
    },
    60_000,
  );

  const shown = readdirSync(join(top, 'docs/images')).filter((file) => file.endsWith('.svg'));
  it.each(shown)('docs/images/%s is small, harmless and in the README', (file) => {
    const svg = readFileSync(join(top, 'docs/images', file), 'utf8');
    expect(svg.length).toBeLessThan(60_000);
    expect(svg).not.toMatch(/<script|<image|href=|on\w+=|\/tmp\/|\/home\/|\/root\//);
    expect(svg).toMatch(/<title id="title">[^<]+<\/title><desc id="description">[^<]{60,}<\/desc>/);
    expect(readFileSync(join(top, 'README.md'), 'utf8')).toContain(`docs/images/${file}`);
  });

  it('say what the README says of them', () => {
    expect(textOf(readFileSync(join(top, 'docs/images/demo.svg'), 'utf8'))).toMatch(
      /REPRODUCED[^]*6 steps hold, 4 expected leaks reproduced[^]*mend it:/,
    );
    expect(textOf(readFileSync(join(top, 'docs/images/deafened.svg'), 'utf8'))).toMatch(/INCONCLUSIVE[^]*kali3/);
  });
});
