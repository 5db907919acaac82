import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { file, needs, root } from '../../support/needs.js';
import type { Random } from '../../support/lab/random.js';
import { legacyTables } from './attacks/nat.js';
import { outcomeOf } from './outcome.js';
import { runInLab } from './run-cases.js';
import { brokenCases } from './table.js';
import { scratchFolder } from '../../support/scratch.js';

const scratch = scratchFolder('adversary-lacking');

/** Always the first choice: ebtables-legacy. */
const first: Random = {
  below: () => 0,
  pick: (choices) => {
    const [choice] = choices;
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  },
};

/** Its cases are judged while the programs of `scratch` come first. */
async function judgedWith(script: string): ReturnType<typeof runInLab> {
  const program = join(scratch, 'ebtables-legacy');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = `${scratch}:${path ?? ''}`;
  try {
    return await runInLab('linux', [legacyTables.draw(first, 'linux')], mkdtempSync(join(scratch, 'run-')));
  } finally {
    process.env['PATH'] = path;
  }
}

const refuses = `echo "The kernel doesn't support the ebtables 'nat' table." >&2; exit 255`;

it('a table that the kernel lacks is not available, and no fault', needs(root, file('/usr/bin/python3')), async () => {
  const judged = await judgedWith(refuses);
  expect(judged.map(outcomeOf)).toEqual(['not available']);
  expect(judged[0]?.refused).toContain("the ebtables 'nat' table., not supported: ebtables-legacy -t nat");
  expect(brokenCases(judged)).toEqual([]);
});

it('a rule that the table refuses is a fault', needs(root, file('/usr/bin/python3')), async () => {
  const judged = await judgedWith(`case "$*" in *-L*) exit 0 ;; esac; ${refuses}`);
  expect(brokenCases(judged)).toEqual([expect.stringContaining("doesn't support the ebtables 'nat' table")]);
});
