import { describe, expect, it } from 'vitest';
import { gone, goneText } from '../../../src/cli/gone.js';
import { callHere } from '../../support/call-here.js';

describe('what is gone', () => {
  it.each(gone)('is named with what serves instead: %s', (words, instead) => {
    const argv = words.replace('*', 'replay').split(' ');
    const line = `${argv.at(-1)} is gone: ${instead}`;
    expect(goneText([...argv, 'x'])).toBe(line);
    expect(goneText(words.includes('--format') ? [argv[0] ?? '', `--reporter=${argv.at(-1)}=x`] : argv)).toBe(line);
    expect(goneText(['demo', 'x', ...argv.slice(1).map((word) => `${word}s`)])).toBeNull();
  });

  it.each([
    ['fleet', 'evidence'],
    ['purge', 'captures/hub-mode'],
    ['run', '--push=http://localhost', 'a.yml'],
  ])('ends with 64 and that line: %s', async (...argv) => {
    expect(await callHere(...argv)).toEqual({
      status: 64,
      stdout: '',
      stderr: `verify-isolation: ${goneText(argv)}\n`,
    });
  });
});
