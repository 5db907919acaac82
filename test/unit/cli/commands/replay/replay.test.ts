import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { callHere } from '../../../../support/call-here.js';
import { scratchFolder } from '../../../../support/scratch.js';
import { replayCommand } from '../../../../../src/cli/commands/replay/replay.js';

const captures = resolve(import.meta.dirname, '../../../../../captures');
const unmatched = join(captures, 'reason-claim-unmatched');
const scratch = scratchFolder('replay');
afterEach(() => vi.restoreAllMocks());

it.each([
  ['after', [unmatched, join(scratch, 'none')]],
  ['before', [join(scratch, 'none'), unmatched]],
])("a folder that is not a run's %s another one leaves status and report of that one", async (_where, dirs) => {
  const junit = join(scratch, 'junit.xml');
  const stderr: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await replayCommand(dirs, { json: false, reporter: [`junit=${junit}`] })).toBe(4);
  expect(readFileSync(junit, 'utf8')).toContain('name="reasons-base" tests="2" failures="1"');
  expect(stderr.join('')).toContain(join(scratch, 'none'));
});

it('a folder that is not there is no verdict on others', async () => {
  const { status, stdout } = await callHere('replay', join(captures, 'hub-mode'), join(scratch, 'none'));
  expect({ status, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({
    status: 64,
    last: expect.stringMatching(/^NO RESULT: 2 runs: 1 REPRODUCED, 1 NO RESULT; exit status 64/),
  });
});

it('the frames before a damage are exported, and it is no wrong command line', async () => {
  const out = join(scratch, 'damaged.pcapng');
  const { status, stderr } = await callHere('export', join(captures, 'reason-capture-damaged'), '-o', out);
  expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringContaining('Only what came before') });
  expect(readFileSync(out).length).toBeGreaterThan(1000);
});

it('check gives machines the word that people read', async () => {
  const { stdout } = await callHere('check', join(captures, 'hub-mode'), '--json');
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'broken', word: 'REPRODUCED' });
});

it("where no folder is a run's the first failure is thrown", async () => {
  const dirs = [join(scratch, 'none'), join(scratch, 'neither')];
  await expect(replayCommand(dirs, { json: false, reporter: [] })).rejects.toMatchObject({
    exitCode: 64,
    message: expect.stringContaining(join(scratch, 'none')),
  });
});

it.each([{}, { verbose: true }])('the command for the frames names the capture that is there (%o)', async (more) => {
  const stdout: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => stdout.push(String(text)) > 0);
  expect(await replayCommand([join(captures, 'hub-mode')], { json: false, reporter: [], ...more })).toBe(0);
  const named = [...stdout.join('').matchAll(/wireshark -Y '[^']*' (\S+)/g)].map(([, path = '']) => path);
  expect(named).toEqual(named.map(() => join(captures, 'hub-mode', 'evidence.pcapng.gz')));
  expect(named.length).toBeGreaterThan(0);
});
