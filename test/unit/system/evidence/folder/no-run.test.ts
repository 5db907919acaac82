import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { noRun } from '../../../../../src/system/evidence/folder/no-run.js';
import { parseFolder } from '../../../../../src/system/evidence/folder/parse-folder.js';

const dir = mkdtempSync(join(tmpdir(), 'no-run-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** A folder with so many runs in it. */
function withRuns(name: string, count: number): string {
  const top = join(dir, name);
  mkdirSync(top);
  for (let index = 1; index <= count; index += 1) {
    mkdirSync(join(top, `r${index}`));
    writeFileSync(join(top, `r${index}/run.json`), '{}');
  }
  return top;
}

describe('a folder in which no run left its evidence', () => {
  it('is told to be missing, also where it is a file', async () => {
    writeFileSync(join(dir, 'file'), '');
    for (const [name, what] of [
      ['nowhere', 'there is no such folder'],
      ['file', 'this is a file, not a folder'],
    ] as const)
      expect(await noRun(join(dir, name))).toMatchObject({ exitCode: 64, message: `${join(dir, name)}: ${what}` });
  });

  it('is not said to be no run’s where it may not be read', async () => {
    const loop = join(dir, 'loop');
    symlinkSync(loop, loop);
    await expect(noRun(loop)).rejects.toMatchObject({
      exitCode: 64,
      message: `${loop}: too many symbolic links encountered`,
      hint: expect.stringContaining('as that user'),
    });
  });

  it('is told with the runs that lie in it, or that there are none', async () => {
    const [empty, single, many] = [withRuns('empty', 0), withRuns('one', 1), withRuns('many', 7)];
    expect(await noRun(empty)).toMatchObject({
      exitCode: 64,
      message: `${empty}: no run left its evidence here: it has no run.json`,
      hint: expect.stringContaining('name the folder that a run left'),
    });
    expect((await noRun(single)).hint).toBe(`name one of the runs in it: ${single}/r1`);
    expect((await noRun(many)).hint).toBe(
      `name one of the runs in it: ${[1, 2, 3, 4, 5].map((index) => `${many}/r${index}`).join(', ')} and 2 more`,
    );
  });

  it('is told where only a folder that is deep below holds one', async () => {
    const top = withRuns('deep', 0);
    mkdirSync(join(top, 'host/run'), { recursive: true });
    writeFileSync(join(top, 'host/run/run.json'), '{}');
    expect((await noRun(top)).hint).toBe(`name one of the runs in it: ${top}/host/run`);
  });
});

describe('a folder that cannot be looked into', () => {
  it('is not told to be without a run', async () => {
    await expect(parseFolder(join(dir, 'x'.repeat(300)))).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('run.json: name too long'),
    });
    await expect(parseFolder(join(dir, 'nowhere'))).rejects.toMatchObject({
      exitCode: 64,
      message: `${join(dir, 'nowhere')}: there is no such folder`,
    });
  });
});
