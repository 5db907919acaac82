import { join, resolve } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { parseFolder } from '../../../../../src/system/evidence/folder/parse-folder.js';
import { diffCommand, withoutInjection } from '../../../../../src/cli/commands/evidence/diff.js';

const captures = resolve(import.meta.dirname, '../../../../../captures');
afterEach(() => vi.restoreAllMocks());

it.each([
  ['nothing is otherwise', 'reasons-base', 'reasons-base', 0],
  ['a step that held is not proven now', 'reasons-base', 'reason-control-missing', 3],
  ['a step holds that was not proven', 'reason-control-missing', 'reasons-base', 0],
])('where %s the status says so', async (_what, first, second, status) => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await diffCommand(join(captures, first), join(captures, second), false)).toBe(status);
});

it('rules of devices through which frames are injected are no change, as their names are new with each run', async () => {
  const { states } = await parseFolder(join(captures, 'hub-mode'));
  const state = states[0]?.before ?? null;
  if (state === null) throw new Error('hub-mode has no state');
  const withRules = (own: string, pref: number): typeof state => ({
    ...state,
    tc: {
      qdisc: [
        { kind: 'clsact', dev: own },
        { kind: 'clsact', dev: 'vnet0' },
      ],
      filters: { [`${own} ingress`]: [{ pref: 1, kind: 'u32' }], 'vnet0 ingress': [{ pref, kind: 'u32' }] },
    },
  });
  const texts = [withRules('via013978b-0', 1), withRules('vi27a8efc5-0', 1), withRules('vi27a8efc5-0', 2)].map((one) =>
    JSON.stringify(withoutInjection(one).tc),
  );
  expect(texts[0]).toBe(texts[1]);
  expect(texts[1]).not.toBe(texts[2]);
  expect(texts[0]).toContain('"vnet0 ingress"');
});
