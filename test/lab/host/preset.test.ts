import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseResult } from '../../support/parse-result.js';
import { type Outcome, outcomeOf, type ThrowAwayHost, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';

describe('run --preset tenant-bridge, on a bridge as it comes', needs(root), () => {
  let host: ThrowAwayHost;
  let outcome: Outcome;
  let before = '';
  beforeAll(async () => {
    host = throwAwayHost();
    before = host.shape();
    outcome = await outcomeOf(
      host.cli(['run', '--preset', 'tenant-bridge', '--bridge', 'br0', '--yes', '--json', '--quiet', '--out', 'out']),
    );
  }, patient(300_000));
  afterAll(() => host.close());

  it('asks the catalogue of every guest, without a file, and tells what leaks from what is meant to be shared', () => {
    expect(outcome.status, outcome.stderr).toBe(2);
    expect(
      parseResult(outcome.stdout)
        .steps.map(({ name, verdict }) => [name, verdict])
        .filter(([name]) => name?.startsWith('policy') !== true),
    ).toEqual([
      ['nobody overhears known unicast', 'holds'],
      ['what a shared bridge lets through by design', null],
      ['unknown unicast reaches no guest', 'broken'],
      ['an invented source address does not pass', 'broken'],
    ]);
  });

  it('leaves the scenario that it made, and the bridge as it was', () => {
    expect(readFileSync(join(host.dir, 'out/scenario/tenant-bridge.yml'), 'utf8')).toMatch(
      /provider: host[\s\S]+class: unknown-unicast/,
    );
    expect(host.shape()).toBe(before);
  });

  it('takes no file beside it', async () => {
    expect(await outcomeOf(host.cli(['run', 'x.yml', '--preset', 'tenant-bridge']))).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('--preset takes no file'),
    });
  });
});
