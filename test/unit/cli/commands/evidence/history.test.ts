import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { callHere } from '../../../../support/call-here.js';
import { scratchFolder } from '../../../../support/scratch.js';
import { wholeFolder } from '../../../../support/whole-folder.js';

const top = scratchFolder('history');
const killed = join(top, 'killed');

beforeAll(async () => {
  await wholeFolder('switch-mode', join(top, 'whole'));
  mkdirSync(killed);
  writeFileSync(join(killed, 'plan.json'), '{}');
});

it('lists a run without a result, and is inconclusive where it is the last', async () => {
  const last = await callHere('history', top);
  expect(last.stdout).toMatch(/^NO RESULT {2}\S+killed: .*\nswitch-mode\n[^]*switch-mode: HOLDS since .*; 1 run\n$/);
  expect(last.status).toBe(3);
  utimesSync(killed, 0, 0);
  const { status, stdout } = await callHere('history', top, '--json');
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    expect.objectContaining({ unended: [{ dir: killed, why: expect.stringContaining('run.json') }] }),
  ]);
  expect((await callHere('history', killed)).status).toBe(64);
});
