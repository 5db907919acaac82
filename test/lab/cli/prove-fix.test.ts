import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';
import { scratchFolder } from '../../support/scratch.js';

const cli = resolve(import.meta.dirname, '../../../dist/cli.cjs');
const scratch = scratchFolder('prove-fix');
const dir = join(scratch, 'evidence');

const scenario = `
version: 1
name: hub
topology:
  provider: lab
  bridges: { br0: { stp_state: off, ageing_time: 0 } }
  endpoints:
    alice: { bridge: br0, port: tap0 }
    bob: { bridge: br0, port: tap1 }
    lan: { bridge: br0, port: eth9, role: uplink }
steps:
  - name: bob overhears alice and the LAN
    probe: [ { class: known-unicast, from: lan, to: alice, count: 20, carriers: [ raw ] } ]
    expect: leak
`;
const broadcasts = `
version: 1
name: broadcasts
topology:
  provider: lab
  bridges: { br0: { stp_state: off } }
  endpoints:
    web: { bridge: br0, port: tap0, ip: 10.0.0.1/24 }
    db: { bridge: br0, port: tap1, ip: 10.0.0.2/24 }
    lan: { bridge: br0, port: eth9, role: uplink, ip: 10.0.0.254/24 }
steps:
  - name: db hears what web broadcasts
    probe: [ { class: broadcast, from: web, count: 20, carriers: [ raw ], may_see: [ lan ] } ]
    expect: leak
`;
const fixes = z.object({
  steps: z.array(
    z.object({
      fixes: z.array(
        z.object({
          cause: z.string(),
          outcome: z.string(),
          before: z.number(),
          after: z.number(),
          cutOff: z.array(z.string()),
          lost: z.array(z.object({ what: z.string(), names: z.array(z.string()) })).exactOptional(),
          separated: z.array(z.array(z.string())).exactOptional(),
          evidence: z.string(),
        }),
      ),
    }),
  ),
});

function cliRun(...args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  return spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
}

describe('run --prove-fix', needs(root), () => {
  let stdout = '';
  beforeAll(() => {
    writeFileSync(join(scratch, 'hub.yml'), scenario);
    const run = cliRun('run', join(scratch, 'hub.yml'), '--prove-fix', '--json', '--quiet', '--out', dir);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    ({ stdout } = run);
  });

  it('tells a fix that works from one that cuts a guest off, with the frames before and after', () => {
    expect(fixes.parse(JSON.parse(stdout)).steps[0]?.fixes).toEqual([
      { cause: 'ageing-zero', outcome: 'works', before: 20, after: 0, cutOff: [], evidence: 'prove-fix/1-ageing-zero' },
      {
        cause: 'unknown-flood',
        outcome: 'cuts-off',
        before: 20,
        after: 0,
        cutOff: ['bob'],
        lost: [
          { what: 'unicast', names: ['bob'] },
          { what: 'ARP', names: ['bob'] },
        ],
        evidence: 'prove-fix/1-unknown-flood',
      },
    ]);
  });

  it('shows them in the terminal and in the page', () => {
    expect(cliRun('report', dir, '--format', 'html').stdout).toContain('Fixes that were tried');
    expect(cliRun('report', dir, '--format', 'terminal').stdout).toMatch(
      /fix {2}ip link set dev br0 type bridge ageing_time 30000\n +tried: WORKS \(20 → 0 frames\)[^]*flood off\n +tried: CUTS OFF \([A-Za-z, ]+\): bob \(20 → 0 frames\)/,
    );
    expect(cliRun('replay', dir, '--verbose').stdout).toMatch(/20 → 0 {2}WORKS {2}ageing-zero/);
  });

  it('leaves evidence that stays whole: of the run with its fixes, and of each trial', () => {
    expect(cliRun('replay', dir, '--json').stdout).toBe(stdout);
    expect(cliRun('check', dir).stdout).toMatch(/^WHOLE; the result says REPRODUCED/m);
    expect(cliRun('check', join(dir, 'prove-fix/1-ageing-zero')).stdout).toMatch(/^WHOLE/m);
    expect(readFileSync(join(dir, 'SHA256SUMS'), 'utf8')).toContain('  fixes.json\n');
    writeFileSync(join(dir, 'fixes.json'), readFileSync(join(dir, 'fixes.json'), 'utf8').replace('cuts-off', 'works'));
    expect(cliRun('check', dir).stdout).toMatch(/fixes\.json was changed/);
  });
});

it('run --prove-fix: bcast_flood off on a guest’s port is no fix, since ARP no longer reaches the guest', {
  tags: 'all',
  ...needs(root),
  timeout: patient(300_000),
}, () => {
  const to = join(scratch, 'broadcasts');
  writeFileSync(join(scratch, 'broadcasts.yml'), broadcasts);
  const run = cliRun('run', join(scratch, 'broadcasts.yml'), '--prove-fix', '--json', '--quiet', '--out', to);
  expect(run).toMatchObject({ status: 0, stderr: '' });
  const reported = fixes.parse(JSON.parse(run.stdout)).steps[0]?.fixes;
  expect(reported?.find(({ cause }) => cause === 'group-flood')).toMatchObject({
    outcome: 'cuts-off',
    before: 20,
    after: 0,
    lost: [{ what: 'ARP', names: ['db'] }],
  });
  expect(cliRun('replay', to, '--verbose').stdout).toContain('CUTS OFF (ARP): db');
});
