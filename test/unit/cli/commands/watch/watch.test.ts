import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { watchCommand } from '../../../../../src/cli/commands/watch/watch.js';
import { scratchFolder } from '../../../../support/scratch.js';

const scratch = scratchFolder('watch-test');

const none = {
  bridge: undefined,
  netns: undefined,
  baseline: undefined,
  json: false,
  textfile: undefined,
  reprobe: undefined,
};

it.each([
  [{ reprobe: '/no.yml' }, '/no.yml:1:1: no such file or directory'],
  [{ exec: '/no/program' }, '--exec /no/program: no such file or directory'],
])('watch refuses %j, which a change would start', async (given, message) => {
  await expect(watchCommand({ ...none, ...given, learn: undefined })).rejects.toMatchObject({ exitCode: 64, message });
});

describe('watch --learn', () => {
  it.each([
    [{ bridge: 'br0' }, '--bridge: not with --learn'],
    [{ json: true }, '--json: not with --learn'],
    [{ baseline: 'b.json' }, '--baseline: not with --learn'],
    [{ textfile: 'm.prom', reprobe: 's.yml' }, '--textfile, --reprobe: not with --learn'],
    [{ exec: '/bin/true' }, '--exec: not with --learn'],
  ])('refuses %j, of which it would make nothing', async (given, message) => {
    const learn = join(scratch, 'state.json');
    await expect(watchCommand({ ...none, ...given, learn })).rejects.toMatchObject({
      code: 'usage',
      exitCode: 64,
      message,
    });
    expect(existsSync(learn)).toBe(false);
  });
});
