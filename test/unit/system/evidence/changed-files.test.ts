import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { replayFolder } from '../../../../src/system/evidence/replay.js';
import { callHere } from '../../../support/call-here.js';
import { wholeFolder } from '../../../support/whole-folder.js';
import { scratchFolder } from '../../../support/scratch.js';

const scratch = scratchFolder('changed');
const whole = join(scratch, 'whole');
const copied = join(scratch, 'copied');
beforeAll(() => wholeFolder('switch-mode', whole));

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(join(copied, file), 'utf8');
  writeFileSync(join(copied, file), change(before));
  expect(readFileSync(join(copied, file), 'utf8')).not.toBe(before);
}

function fresh(): void {
  rmSync(copied, { recursive: true, force: true });
  cpSync(whole, copied, { recursive: true });
}

describe('a folder whose files are not what SHA256SUMS says', () => {
  it.each([
    ['plan.json', () => edit('plan.json', (text) => text.replace('"judged": true', '"judged": false'))],
    ['plan.json', () => edit('plan.json', (text) => `${text}\n`)],
    ['state/1-before.json', () => edit('state/1-before.json', (text) => `${text} `)],
    ['timeline.ndjson', () => edit('timeline.ndjson', (text) => text.replace('{', '{ '))],
    ['state/1-after.json', () => rmSync(join(copied, 'state/1-after.json'))],
    ['discarded.ndjson', () => writeFileSync(join(copied, 'discarded.ndjson'), '')],
    ['plan.json', () => edit('SHA256SUMS', (text) => text.replace(/.* {2}plan\.json\n/, ''))],
    ['run.json', () => writeFileSync(join(copied, 'SHA256SUMS'), '')],
    [
      'SHA256SUMS',
      () => {
        rmSync(join(copied, 'SHA256SUMS'));
        symlinkSync('/etc/passwd', join(copied, 'SHA256SUMS'));
      },
    ],
  ])('does not hold, and the answer names %s', async (file, change) => {
    fresh();
    expect((await replayFolder(copied)).verdict).toBe('holds');
    change();
    const result = await replayFolder(copied);
    expect(result).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
    const texts = result.steps.flatMap(({ reasons }) => reasons.map(({ text }) => text));
    expect(texts.join()).toMatch(new RegExp(`${file}.*not what the run wrote, by SHA256SUMS`));
  });

  it('is judged alike by every command that judges again', async () => {
    fresh();
    edit('plan.json', (text) => `${text}\n`);
    expect(await callHere('replay', copied)).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('INCONCLUSIVE') as string,
    });
    expect((await callHere('report', copied, '--format', 'markdown')).stdout).toMatch(/^## INCONCLUSIVE/);
    const leaks = join(scratch, 'leaks.pcapng');
    expect(await callHere('export', copied, '--only', 'leaks', '-o', leaks)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('plan.json is not what the run wrote') as string,
    });
    expect((await callHere('export', copied, '-o', leaks)).status).toBe(0);
    expect((await callHere('export', whole, '--only', 'leaks', '-o', leaks)).status).toBe(0);
    expect((await callHere('check', copied)).stdout).toContain('plan.json was changed');
  });

  it('is broken all the same where it holds a leak', async () => {
    const hub = join(scratch, 'hub');
    await wholeFolder('hub-mode', hub);
    writeFileSync(join(hub, 'plan.json'), `${readFileSync(join(hub, 'plan.json'), 'utf8')}\n`);
    expect((await replayFolder(hub)).verdict).toBe('broken');
  });
});

describe('a folder as the run left it', () => {
  it('is judged as before, byte for byte', async () => {
    fresh();
    const { status, stdout } = await callHere('replay', copied, '--json');
    expect({ status, stdout }).toEqual({ status: 0, stdout: readFileSync(join(copied, 'result.json'), 'utf8') });
    expect(readdirSync(copied)).toEqual(readdirSync(whole));
  });

  it('needs no hashes where there are none, and takes a result that was changed for what it is: not judged', async () => {
    fresh();
    edit('result.json', (text) => `${text}\n`);
    expect((await replayFolder(copied)).verdict).toBe('holds');
    rmSync(join(copied, 'SHA256SUMS'));
    expect((await replayFolder(copied)).verdict).toBe('holds');
  });
});
