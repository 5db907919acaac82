import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = resolve(import.meta.dirname, '../../..');
/** What a reader of the picture reads. */
const textOf = (svg: string): string =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text).join('\n');

describe('the pictures of a terminal', () => {
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
      /REPRODUCED[^]*6 steps hold, 4 expected leaks reproduced[^]*fix\nip link set[^]*VMware on a port of its own\nHOLDS[^]*exit status 0/,
    );
    expect(textOf(readFileSync(join(top, 'docs/images/deafened.svg'), 'utf8'))).toMatch(
      /INCONCLUSIVE[^]*helper-died at kali3[^]*exit status 3/,
    );
  });
});
