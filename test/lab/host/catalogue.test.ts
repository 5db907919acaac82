// @module-tag all
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseResult } from '../../support/parse-result.js';
import { type Outcome, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

describe('run --class all, on a bridge as it comes', needs(root), () => {
  const host = shared(throwAwayHost);
  let outcome: Outcome;
  let before = '';
  beforeAll(async () => {
    before = host.shape();
    outcome = await outcomeOf(
      host.cli(['run', '--class', 'all', '--bridge', 'br0', '--yes', '--json', '--quiet', '--out', 'out']),
    );
  }, patient(300_000));

  it('asks what disturbs nobody, and tells what is open by design', () => {
    expect(outcome.status, outcome.stderr).toBe(0);
    const { steps } = parseResult(outcome.stdout);
    expect(steps.map(({ verdict }) => verdict)).toEqual(['holds', 'holds']);
    // No guest's address is known: ARP is not asked
    const open = ['unknown-unicast', 'broadcast', 'multicast', 'link-local-multicast'];
    const spoofed = ['mac-spoof', 'ip-spoof'];
    expect(new Set(steps.flatMap(({ findings }) => findings.map((row) => row.class)))).toEqual(
      new Set(['known-unicast', ...open, ...spoofed]),
    );
    expect(new Set(steps.flatMap(({ exposures = [] }) => exposures.flatMap(({ classes }) => classes)))).toEqual(
      new Set([...open, ...spoofed]),
    );
  });

  it('leaves the scenario that it made, and the bridge as it was', () => {
    expect(readFileSync(join(host.dir, 'out/scenario/host.yml'), 'utf8')).toMatch(
      /provider: host[\s\S]+class: unknown-unicast/,
    );
    expect(host.shape()).toBe(before);
  });
});
