import { expect, it } from 'vitest';
import { callHere } from '../../../../support/call-here.js';

const [known, holds, unproven] = ['captures/hub-mode', 'captures/reasons-base', 'captures/reason-replayed'];

it.each([
  [[known, holds], 0],
  [[holds, unproven], 3],
  [[known, '/nowhere', holds], 3],
])('prints a line a run, and ends with the worst status: %j', async (dirs, worst) => {
  const { status, stdout } = await callHere('report', ...dirs);
  const lines = stdout.trimEnd().split('\n');
  expect([status, lines.length]).toEqual([worst, dirs.length]);
  dirs.forEach((dir, at) => expect(lines[at]).toContain(dir));
});

it('says of a folder that cannot be judged that it has no result', async () =>
  expect((await callHere('report', '/nowhere', known)).stdout).toMatch(/^NO RESULT .*no such folder\nREPRODUCED {2}/));

it.each([known, unproven])('prints without --format what replay prints, with its status: %s', async (dir) =>
  expect(await callHere('report', dir)).toEqual(await callHere('replay', dir)),
);

it('has with --format the status of writing', async () =>
  expect((await callHere('report', unproven, '--format', 'terminal')).status).toBe(0));
