// @module-tag all
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import type { HostState } from '../../../src/core/model/state.js';
import { ingressMac } from '../../../src/core/plan/ingress-controls.js';
import { stateFile } from '../../../src/system/evidence/folder/folder.js';
import { enteringFrames } from '../../support/lab/entering-frames.js';
import { ovs } from '../../support/lab/throw-away-ovs.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const macs = { kali2: '52:54:00:85:20:d1', kali3: '52:54:00:27:4e:0a', lan: '00:11:22:33:44:55' } as const;
const ports = { kali2: 'vnet0', kali3: 'vnet4', lan: 'enp8s0' } as const;
const enters = `priority=50,dl_src=${ingressMac}`;
const ofctl = (command: string, flow: string): readonly string[] => ['ovs-ofctl', command, 'br0', flow];

/**
 * What a switch can be told to do with what proves an ear, one after the other; and how many of the others' it hands to
 * each of the three.
 */
const acts = [
  { name: 'as it comes: kali3 says nothing, so what is for it is flooded', run: [], out: [3, 0, 3] },
  {
    name: 'where groups are snooped',
    run: [['ovs-vsctl', 'set', 'Bridge', 'br0', 'mcast_snooping_enable=true']],
    out: [3, 0, 3],
  },
  { name: 'a flow that drops it', run: [ofctl('add-flow', `${enters},actions=drop`)], out: [0, 0, 0] },
  { name: 'a flow that floods it', run: [ofctl('add-flow', `${enters},actions=FLOOD`)], out: [6, 6, 6] },
  {
    name: 'a flow that learns from it',
    run: [
      ofctl(
        'add-flow',
        `${enters},actions=learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),NORMAL`,
      ),
    ],
    out: [3, 0, 3],
  },
] as const;
/**
 * So long that what is learned from the first controls is there in the second snapshot: on a busy machine the switch
 * learns later than it forwards.
 */
const rate = 20;

describe('what proves that a port of Open vSwitch hears its guest, in the lab', needs(root, ovs), () => {
  const dir = scratchFolder('ovs-entering');
  const out = join(dir, 'out');
  let result: Result;
  let seen: Readonly<Record<string, number>>;
  beforeAll(async () => {
    const file = join(dir, 'entering.yml');
    const endpoints = (['kali2', 'kali3', 'lan'] as const).map(
      (name) =>
        `    ${name}: { bridge: br0, port: ${ports[name]}, mac: "${macs[name]}"${name === 'lan' ? ', role: uplink' : ''} }\n`,
    );
    const steps = acts.map(
      ({ name, run }) =>
        `  - { name: "${name}", run: ${JSON.stringify(run)}, learn: [kali2, lan], probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 20, rate: ${rate} }, expect: private }\n`,
    );
    writeFileSync(
      file,
      `version: 1\nname: entering\ntopology:\n  provider: lab\n  bridges: { br0: { kind: ovs } }\n  endpoints:\n${endpoints.join('')}steps:\n${steps.join('')}`,
    );
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(resolve(import.meta.dirname, '../../..'), 'dist/cli.cjs'), 'run', file, '--json', '--quiet', '--out', out],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    result = JSON.parse(stdout);
    seen = await enteringFrames(out);
  }, patient(300_000));

  const stateOf = (index: number, when: 'before' | 'after'): HostState =>
    JSON.parse(readFileSync(join(out, stateFile(index, when)), 'utf8'));
  const listed = acts.map((act, index) => ({ ...act, index }));

  it.each(listed)(
    '$name: is heard where it enters, and decides nothing where others get it',
    ({ index, out: others }) => {
      const got = (way: string): readonly number[] =>
        Object.values(ports).map((port) => seen[`${index + 1} ${port} ${way}`] ?? 0);
      expect([got('in'), got('out')]).toEqual([[3, 3, 3], others]);
      expect(result.steps[index]).toMatchObject({ verdict: 'holds', reasons: [] });
    },
  );

  it.each(listed)('$name: teaches the switch nothing', ({ index }) => {
    for (const when of ['before', 'after'] as const) {
      const learned = stateOf(index, when)
        .fdb.filter(({ master, port }) => master === 'br0' && port !== 'br0')
        .map(({ mac, port }) => `${mac} ${port}`)
        .sort();
      expect(learned).toEqual([`${macs.lan} enp8s0`, `${macs.kali2} vnet0`]);
    }
  });

  it('a flow that learned from it is no change that somebody made', () => {
    // Whether the first snapshot has it already is a matter of time
    expect(
      stateOf(acts.length - 1, 'after').ovs?.bridges[0]?.flows.filter((flow) => flow.includes(`dl_dst=${ingressMac}`)),
    ).toHaveLength(1);
    expect(result.steps.at(-1)?.reasons).toEqual([]);
  });
});
