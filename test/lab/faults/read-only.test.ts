import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { fresh, startProgram, threeOn, untilEvent } from '../../support/lab/program.js';
import { needs, root } from '../../support/needs.js';

/** Root may write anywhere: without this right permissions hold for it too. */
const bound = [
  'setpriv',
  '--bounding-set=-dac_override,-dac_read_search',
  '--inh-caps=-dac_override,-dac_read_search',
  '--',
];
const frozen: string[] = [];

/** Gives every folder of `dir` other permissions. */
function permit(dir: string, mode: number): void {
  chmodSync(dir, mode);
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) permit(join(dir, entry.name), mode);
}
// What nobody may write to nobody can delete.
afterAll(() => frozen.forEach((dir) => permit(dir, 0o700)));

/**
 * Runs on a bridge with this ageing time, and while probes are on their way nothing can be made in the evidence folder
 * any more.
 */
async function frozenRun(
  ageing: string,
): Promise<{ readonly status: number | null; readonly stderr: string; readonly result: Result }> {
  const dir = fresh('evidence');
  const file = threeOn(
    `{ ageing_time: ${ageing} }`,
    '  - { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 200, rate: 200 } ], expect: private }',
  );
  const { ended } = startProgram(['run', file, '--out', dir, '--json', '--quiet'], { prefix: bound });
  await untilEvent(dir, 'probing');
  frozen.push(dir);
  permit(dir, 0o500);
  const { status, stdout, stderr } = await ended;
  return { status, stderr, result: JSON.parse(stdout) as Result };
}

// As an ordinary user the lab is root in a user namespace of his own, where permissions of his files do not hold for
// it.
describe('an evidence folder made read-only in the middle of a run', needs(root), () => {
  it.concurrent('a leak is still told, exit 2', async () => {
    const { status, result } = await frozenRun('0');
    expect({ status, verdict: result.verdict }).toEqual({ status: 2, verdict: 'broken' });
    expect(result.steps[0]?.reasons.map(({ code }) => code)).toContain('evidence-incomplete');
  });

  it.concurrent('what would hold is inconclusive, exit 3', async () => {
    const { status, result } = await frozenRun('30s');
    expect({ status, verdict: result.verdict }).toEqual({ status: 3, verdict: 'inconclusive' });
    expect(result.steps[0]?.reasons.map(({ code }) => code)).toContain('evidence-incomplete');
  });
});
