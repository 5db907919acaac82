// @module-tag all
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ovs } from '../../support/lab/throw-away-ovs.js';
import { describeOnKernelWith } from '../../support/lab/features.js';
import { patient } from '../../support/patient.js';
import { parseResult } from '../../support/parse-result.js';
import { needs, root } from '../../support/needs.js';

const macs = { kali2: '52:54:00:85:20:d1', kali3: '52:54:00:27:4e:0a', lan: '00:11:22:33:44:55' } as const;
const probe = '{ class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 50, must_see: [] }';
/**
 * Longer than a step takes that does not wait: revalidators that rest so long leave the flows of the step before as
 * they were.
 */
const restS = 3;
const resting = `ovs-appctl revalidator/pause; (sleep ${restS}; exec ovs-appctl revalidator/resume) > /dev/null 2>&1 &`;

/**
 * Runs a step as the switch comes, and one after which a flow drops what the first one sent. `bridges`, `more`: further
 * ones, and who is on them; `before`: is run ahead of that flow.
 */
function dropping({
  bridges = '',
  more = '',
  before = '',
}: {
  readonly bridges?: string;
  readonly more?: string;
  readonly before?: string;
}): void {
  const dir = mkdtempSync(join(tmpdir(), 'ovs-revalidated-'));
  try {
    const file = join(dir, 'scenario.yml');
    writeFileSync(
      file,
      `version: 1
name: revalidated
topology:
  provider: lab
  bridges: { br0: { kind: ovs }${bridges} }
  endpoints:
    kali2: { bridge: br0, port: vnet0, mac: "${macs.kali2}" }
    kali3: { bridge: br0, port: vnet4, mac: "${macs.kali3}" }
    lan: { bridge: br0, port: enp8s0, mac: "${macs.lan}", role: uplink }
${more}steps:
  - { name: as it is, probe: ${probe}, expect: { verdict: holds, seen: { lan: all } } }
  - name: dropped
    run: [${before}["ovs-ofctl", "add-flow", "br0", "priority=100,dl_src=${macs.kali2},dl_dst=${macs.lan},actions=drop"]]
    probe: ${probe}
    expect: { verdict: holds, seen: { lan: none } }
`,
    );
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(resolve(import.meta.dirname, '../../..'), 'dist/cli.cjs'),
        'run',
        file,
        '--allow-run',
        '--json',
        '--quiet',
        '--out',
        join(dir, 'out'),
      ],
      { encoding: 'utf8' },
    );
    expect([status, stderr], stdout).toEqual([0, '']);
    expect(parseResult(stdout).steps.map(({ verdict, asExpected }) => [verdict, asExpected])).toEqual([
      ['holds', true],
      ['holds', true],
    ]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe('what a change of Open vSwitch decides, in the lab', needs(root, ovs), () => {
  it('decides every probe of its step, although flows that there were forward as before until the revalidators come to them', {
    timeout: patient(300_000),
  }, () => {
    dropping({ before: `["sh", "-c", "${resting}"], ` });
  });
});

describeOnKernelWith(
  ["Open vSwitch's datapath"],
  'what a change of Open vSwitch decides where it has two datapaths',
  () => {
    it('decides every probe of its step, although the switch cannot tell when its revalidators have gone round', {
      timeout: patient(300_000),
    }, () => {
      dropping({
        bridges: ', br1: { kind: ovs, datapath: system }',
        more: '    other: { bridge: br1, port: vnet7, mac: "52:54:00:00:00:07" }\n',
      });
    });
  },
  root,
  ovs,
);
