import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectedResult } from '../../../src/report/expected-result.js';
import { recordedRuns, resultOf } from '../../support/recorded-runs.js';

const top = resolve(import.meta.dirname, '../../..');
const folder = join(top, 'captures');

describe('a recorded run', () => {
  it('is there for every scenario of the experiment', () => {
    const experiment = [
      'wireshark-experiment',
      'switch-mode',
      'hub-mode',
      'bridged-bridge',
      'bridged-bridge-flood-off',
      'bridged-bridge-permanent-entry',
      'vmware-on-a-port',
    ];
    expect(experiment.filter((name) => !recordedRuns.includes(name))).toEqual([]);
  });

  it.each(recordedRuns)('%s: judged again it comes to what it came to', async (name) => {
    const expected: unknown = JSON.parse(readFileSync(join(folder, name, 'expected.json'), 'utf8'));
    expect(expectedResult(await resultOf(name))).toEqual(expected);
  });

  it.each(recordedRuns)('%s: is what its file says it is', async (name) => {
    expect((await resultOf(name)).schemaVersion).toBe(1);
  });

  it.each(recordedRuns)('%s: says where it comes from', (name) => {
    expect(readFileSync(join(folder, name, 'README.md'), 'utf8')).toMatch(
      /Recorded by `verify-isolation record .+ on \d{4}-\d\d-\d\d/,
    );
    expect(existsSync(join(folder, name, 'scenario.yml'))).toBe(true);
  });
});
