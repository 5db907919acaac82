import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JudgeInput } from '../../../../../src/core/judge/judge.js';
import { documentText } from '../../../../../src/system/evidence/folder/folder.js';
import { parseFolder, type WrittenPlanFile } from '../../../../../src/system/evidence/folder/parse-folder.js';
import { wholeFolder } from '../../../../support/whole-folder.js';
import { scratchFolder } from '../../../../support/scratch.js';

const top = scratchFolder('written-files');
const whole = join(top, 'whole');
const dir = join(top, 'dir');
const text = (name: string): string => readFileSync(join(dir, name), 'utf8');
const state = 'state/1-before.json';

describe('files of a folder of which its run knows what it wrote', () => {
  let input: JudgeInput;
  let planFile: WrittenPlanFile;
  beforeAll(async () => {
    await wholeFolder('hub-mode', whole);
    cpSync(whole, dir, { recursive: true });
    // as a run writes them: a recorded folder may be laid out otherwise
    for (const name of ['run.json', state]) writeFileSync(join(dir, name), documentText(JSON.parse(text(name))));
    input = await parseFolder(dir);
    planFile = { sha256: createHash('sha256').update(text('plan.json')).digest('hex'), plan: input.plan };
  });

  it('are read to the same as those of which nobody knows anything', async () => {
    expect(await parseFolder(dir, planFile)).toEqual(input);
  });

  it('give the plan that was written there, by which frames may have been counted already', async () => {
    expect((await parseFolder(dir, planFile)).plan).toBe(input.plan);
  });
  it('give no plan that is not what stands there', async () => {
    const sha256 = createHash('sha256').update('{}').digest('hex');
    expect((await parseFolder(dir, { ...planFile, sha256 })).plan).not.toBe(input.plan);
  });

  it.each<readonly [string, (before: string) => string]>([
    ['run.json', (before) => before.replace('"runVersion": 1', '"runVersion": "1"')],
    ['plan.json', (before) => before.replace(/"name": "[^"]+"/, '"name": 7')],
    ['timeline.ndjson', (before) => before.replace(/"step":-?\d+/, '"step":"x"')],
    [state, (before) => before.replace(/"ifindex": \d+/, '"ifindex": "x"')],
  ])('%s is refused where it is not what was written and fits no schema', async (name, damage) => {
    const before = text(name);
    const after = damage(before);
    expect(after).not.toBe(before);
    writeFileSync(join(dir, name), after);
    try {
      await expect(parseFolder(dir, planFile)).rejects.toMatchObject({
        code: 'evidence-unreadable',
        exitCode: 64,
        message: expect.stringContaining(name),
      });
    } finally {
      writeFileSync(join(dir, name), before);
    }
  });

  it('run.json of other verdict rules is refused: it says which, and what to do', async () => {
    const path = join(dir, 'run.json');
    const before = text('run.json');
    writeFileSync(path, before.replace('"verdictRules": 2', '"verdictRules": 1'));
    try {
      await expect(parseFolder(dir, planFile)).rejects.toMatchObject({
        code: 'evidence-unreadable',
        exitCode: 64,
        message: `${path}: recorded by verdict rules 1; this program judges by rules 2 alone`,
        hint: 'Record it again: run its scenario with this program.',
      });
    } finally {
      writeFileSync(path, before);
    }
  });
});
