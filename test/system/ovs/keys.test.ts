import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { ovs } from '../../support/lab/throw-away-ovs.js';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const cli = resolve(import.meta.dirname, '../../../dist/cli.cjs');
const access = (vid: number): string => `vlans: [ { vid: ${vid}, pvid: true, untagged: true } ]`;

const mirrored = `version: 1
name: mirrored
topology:
  provider: lab
  bridges:
    br0: { kind: ovs, mirrors: [ { name: of-kali2, select: vnet0, output: vnet4 } ] }
  endpoints:
    kali1: { bridge: br0, port: vnet1 }
    kali2: { bridge: br0, port: vnet0 }
    kali3: { bridge: br0, port: vnet4 }
    lan: { bridge: br0, port: enp8s0, role: uplink }
steps:
  - { name: of the port that is mirrored, probe: { class: known-unicast, from: kali2, to: lan, count: 30 }, expect: { verdict: broken, seen: { kali3: all, kali1: none } } }
  - { name: of another, probe: { class: known-unicast, from: kali1, to: lan, count: 30 }, expect: { verdict: holds, seen: { kali3: none } } }
`;
const tagged = `version: 1
name: tagged
topology:
  provider: lab
  bridges: { br0: { kind: ovs } }
  endpoints:
    a1: { bridge: br0, port: pa1, zone: a, ${access(10)} }
    a2: { bridge: br0, port: pa2, zone: a, ${access(10)} }
    b1: { bridge: br0, port: pb1, zone: b, ${access(20)} }
    both: { bridge: br0, port: pboth, vlans: [ { vid: 20, pvid: true, untagged: true }, { vid: 10 } ] }
    lan: { bridge: br0, port: enp8s0, role: uplink, vlans: [ { vid: 10 }, { vid: "20-21" } ] }
steps:
  - { name: floods stay in the VLAN, probe: { class: unknown-unicast, from: a1, count: 30 }, expect: { may_see: [a2, both, lan], must_see: [a2, both, lan], seen: { b1: none } } }
  - { name: within the VLAN, probe: { class: known-unicast, from: a1, to: a2, count: 30 }, expect: private }
  - { name: not to another, probe: { class: known-unicast, from: a1, to: b1, count: 30 }, expect: { may_see: [a2, both, lan], must_see: [lan], seen: { b1: none } } }
`;

describe('keys of Open vSwitch in a scenario', needs(root, ovs), () => {
  const dir = scratchFolder('ovs-keys');
  let results: readonly Result[] = [];
  beforeAll(() => {
    const files = Object.entries({ mirrored, tagged }).map(([name, text]) => {
      writeFileSync(join(dir, `${name}.yml`), text);
      return join(dir, `${name}.yml`);
    });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [cli, 'run', ...files, '--json', '--quiet', '--out', join(dir, 'out')],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    results = JSON.parse(stdout).results;
  });

  it('mirror one port to another, which the leak is explained by', () => {
    const [first, second] = results[0]?.steps ?? [];
    expect([first?.verdict, first?.reasons, second?.verdict, second?.reasons]).toEqual(['broken', [], 'holds', []]);
    const causes = first?.findings
      .filter(({ leak }) => leak)
      .flatMap(({ observer, causes: found }) => found.map(({ code, place }) => `${observer} ${code} ${place}`));
    expect([...new Set(causes)]).toEqual(['kali3 ovs-mirror mirror of-kali2']);
  });

  it('make access ports, trunks and a trunk with a native VLAN of `vlans`', () => {
    const { ovs } = JSON.parse(
      readFileSync(
        join(
          dir,
          'out',
          readdirSync(join(dir, 'out')).find((name) => name.startsWith('tagged')) ?? '',
          'state/1-before.json',
        ),
        'utf8',
      ),
    );
    const columns = new Map(
      ovs.ports.map((port: { name: string; columns: Record<string, unknown> }) => [
        port.name,
        [port.columns['tag'], port.columns['trunks'], port.columns['vlan_mode']],
      ]),
    );
    const none = ['set', []];
    expect(Object.fromEntries(columns)).toEqual({
      pa1: [10, none, none],
      pa2: [10, none, none],
      pb1: [20, none, none],
      pboth: [20, 10, 'native-untagged'],
      enp8s0: [none, ['set', [10, 20, 21]], none],
    });
  });

  it('keep floods in their VLAN, with every proof', () => {
    expect(results[1]?.steps.map(({ verdict, reasons }) => [verdict, reasons])).toEqual([
      ['holds', []],
      ['holds', []],
      ['holds', []],
    ]);
  });
});
