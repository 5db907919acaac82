import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Finding, Result } from '../../../src/core/model/result.js';
import { lacking } from '../../support/lab/features.js';
import { journalsIn } from '../../support/lab/own-journals.js';
import { patient } from '../../support/patient.js';
import { outcomeOf } from '../../support/lab/throw-away-host.js';
import { ovs, runOn, sharedOvs } from '../../support/lab/throw-away-ovs.js';
import { needs, root } from '../../support/needs.js';

const probe = 'probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 50 }, expect: private';
const allow = 'allow_changes: true\n';

describe('what a run changes of Open vSwitch on a host', needs(root, ovs), () => {
  const host = sharedOvs();
  beforeAll(() => {
    // values that are to be there again: a set, a key of a map, a flag of OpenFlow
    host.run('ovs-vsctl set Port spare trunks=0,10,20 -- set Bridge br0 other_config:mac-table-size=4096');
    host.run('ovs-ofctl mod-port br0 spare no-flood');
  });

  const shape = (): string =>
    [
      host.run(`ovs-vsctl
        --columns=name,fail_mode,flood_vlans,mcast_snooping_enable,other_config,protocols,rstp_enable,stp_enable,mirrors
        list Bridge`),
      host
        .run('ovs-vsctl --columns=name,protected,tag,trunks,vlan_mode,other_config list Port')
        .split('\n\n')
        .sort()
        .join('\n\n'),
      ...host
        .run('ovs-ofctl show br0')
        .split('\n')
        .filter((line) => /addr:|config:/.test(line)),
    ].join('\n');
  const journals = (): readonly string[] => journalsIn(join(host.dir, 'journal'));
  const leaks = (result: Result, at: number): readonly Finding[] =>
    result.steps[at]?.findings.filter(({ leak }) => leak) ?? [];

  it('is asked for by file and command line both, shown by plan, and put back', {
    timeout: patient(300_000),
  }, async () => {
    const before = shape();
    const steps = `  - { name: floods, set: { br0: { flood_vlans: 0, "other_config:mac-table-size": 8192, "other_config:mac-aging-time": 60 } }, ${probe} }
  - { name: kept from a port, set: { vnet4: { flood: off }, spare: { trunks: "0,30", protected: on } }, ${probe} }
`;
    const refused = await runOn(host, host.scenario('no-leave', steps), '--allow-changes');
    expect([refused.status, refused.stderr]).toEqual([64, expect.stringContaining('allow_changes: true')]);
    const file = host.scenario('set', steps, allow);
    const unasked = await runOn(host, file);
    expect([unasked.status, unasked.stderr]).toEqual([64, expect.stringContaining('--allow-changes')]);
    const planned = await outcomeOf(host.cli(['plan', file]));
    for (const command of ['ovs-vsctl set Bridge br0 flood_vlans=0', 'ovs-ofctl mod-port br0 vnet4 no-flood'])
      expect(planned.stdout).toContain(command);

    const { status, stderr, result } = await runOn(host, file, '--allow-changes');
    expect([status, stderr]).toEqual([2, expect.stringContaining('left behind on br0: nothing (checked)')]);
    expect(leaks(result(), 0).map(({ observer, seen, causes }) => `${observer} ${seen} ${causes[0]?.code}`)).toEqual([
      'kali3 50 ovs-flood-vlans',
    ]); // spare takes no floods
    expect(leaks(result(), 1)).toEqual([]);
    expect(shape()).toBe(before);
    expect(journals()).toEqual([]);
  });

  it('comes of the topology too: settings of bridge and ports, and mirrors', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const before = shape();
    const file = host.scenario('topology', `  - { name: mirrored, ${probe} }\n`, allow, {
      bridge:
        '{ kind: ovs, datapath: netdev, fail_mode: secure, mirrors: [ { name: tap, select: vnet0, output: spare } ] }',
      settings: { kali3: '{ protected: on, flood: off }' },
    });
    const { status, stderr, result } = await runOn(host, file, '--allow-changes', '--out', join(host.dir, 'topology'));
    expect([status, stderr]).toEqual([2, expect.stringContaining('left behind on br0: nothing (checked)')]);
    expect(leaks(result(), 0).map(({ observer, causes }) => `${observer} ${causes[0]?.place}`)).toEqual([
      'spare mirror tap',
    ]);
    expect(shape()).toBe(before);
  });

  it('are VLANs and entries too, which steer frames and are put back', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const nobody = '02:00:00:00:00:77';
    const table = (): string =>
      host
        .run('ovs-appctl fdb/show br0')
        .split('\n')
        .filter((line) => line.includes('static'))
        .join('\n');
    host.run(`ovs-appctl fdb/add br0 vnet4 0 ${nobody}`); // an entry that the run moves, and moves back
    const before = [shape(), table()];
    const steps = `  - { name: an entry leads where it says, fdb: { add: [ { mac: "${nobody}", port: spare }, { mac: "02:00:00:00:00:78", port: vnet4, vlan: 30 } ] }, probe: { class: unknown-unicast, from: kali2, carriers: [raw], dst_mac: "${nobody}", count: 20 }, expect: unjudged }
  - { name: in VLANs of their own, vlan: { add: [ { port: vnet0, vid: 10, pvid: on, untagged: on }, { port: vnet4, vid: 20, pvid: on, untagged: on }, { port: uplink, vid: "20-21" } ], del: [ { port: spare, vid: 10 } ] }, probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 20 }, expect: separated }
`;
    const file = host.scenario('tables', steps, allow);
    const unasked = await runOn(host, file);
    expect([unasked.status, unasked.stderr]).toEqual([64, expect.stringContaining('--allow-changes')]);
    const planned = await outcomeOf(host.cli(['plan', file]));
    for (const command of [
      `ovs-appctl fdb/add br0 vnet4 30 02:00:00:00:00:78`,
      'ovs-vsctl set Port vnet0 tag=10',
      'ovs-vsctl add Port uplink trunks 20-21',
    ])
      expect(planned.stdout).toContain(command);
    const { status, stderr, result } = await runOn(
      host,
      file,
      '--allow-changes',
      '--allow-new-macs',
      '--out',
      join(host.dir, 'tables'),
    );
    expect([status, stderr]).toEqual([0, expect.stringContaining('left behind on br0: nothing (checked)')]);
    expect(
      result()
        .steps[0]?.findings.map(({ observer, seen }) => `${observer} ${seen}`)
        .sort(),
    ).toEqual(['kali3 0', 'lan 0', 'spare 20']);
    expect([result().steps[1]?.verdict, result().steps[1]?.reasons]).toEqual(['holds', []]);
    expect([shape(), table()]).toEqual(before);
    expect(journals()).toEqual([]);
  });

  it('never takes the last VLAN of a port away, which would open it to all', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const before = shape();
    const { status, stderr, result } = await runOn(
      host,
      host.scenario(
        'last',
        `  - { name: x, set: { vnet0: { tag: 10 } }, vlan: { del: [ { port: vnet0, vid: "10-20" } ] }, ${probe} }\n`,
        allow,
      ),
      '--allow-changes',
    );
    expect([status, stderr]).toEqual([69, expect.stringContaining('left behind on br0: nothing (checked)')]);
    expect(JSON.stringify(result().steps[0]?.reasons)).toContain('vnet0 would carry every VLAN');
    expect(shape()).toBe(before);
  });

  const probing = async (file: string): Promise<ChildProcess> => {
    const child = host.cli(['run', file, '--yes', '--allow-changes', '--verbose']);
    let said = '';
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk) => (/: probing/.test((said += String(chunk))) ? resolve() : undefined));
      child.once('close', () => resolve());
    });
    expect(child.exitCode, said).toBeNull();
    return child;
  };

  it('is put back by cleanup after a kill -9', { tags: 'all', timeout: patient(300_000) }, async () => {
    const before = shape();
    const file = host.scenario(
      'killed',
      `  - { name: long, set: { br0: { "other_config:mac-aging-time": 60, mcast_snooping_enable: on }, vnet4: { protected: on, flood: off }, spare: { trunks: "40" } }, vlan: { add: [ { port: uplink, vid: 30 } ] }, fdb: { add: [ { mac: "02:00:00:00:00:79", port: uplink } ] }, probe: { class: known-unicast, from: kali2, to: lan, count: 20000 }, expect: private }\n`,
      allow,
      { bridge: '{ kind: ovs, mirrors: [ { name: tap, select: all, output: spare } ] }' },
    );
    const child = await probing(file);
    expect(shape()).not.toBe(before);
    const entry = (): boolean => host.run('ovs-appctl fdb/show br0').includes('02:00:00:00:00:79');
    expect(entry()).toBe(true);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    expect(shape()).not.toBe(before);
    const cleaned = await outcomeOf(host.cli(['cleanup']));
    expect([cleaned.status, cleaned.stdout]).toEqual([
      0,
      expect.stringMatching(/was killed: \d+ changes? undone, nothing is left of it/),
    ]);
    expect([shape(), entry()]).toEqual([before, false]);
    expect(journals()).toEqual([]);
  });

  it('is never put back on a row that has got the name since, and a mirror only where it is the run’s', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    const before = shape();
    const steps = `  - { name: long, set: { vnet4: { tag: 10, flood: off } }, probe: { class: known-unicast, from: kali2, to: lan, count: 20000 }, expect: private }\n`;
    const bridge = '{ kind: ovs, mirrors: [ { name: tap, select: vnet0, output: spare } ] }';
    const child = await probing(host.scenario('renamed', steps, allow, { bridge }));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const port = (): string => host.run('ovs-vsctl get Port vnet4 tag').trim();
    const mirrors = (): string => host.run('ovs-vsctl get Bridge br0 mirrors').trim();
    expect(port()).toBe('10');
    // Another tenant's port, and somebody's mirror, under the names of those of the run
    host.run('ovs-vsctl del-port vnet4 -- clear Bridge br0 mirrors');
    host.run('ovs-vsctl add-port br0 vnet4 -- set Port vnet4 tag=10');
    host.run('ovs-ofctl mod-port br0 vnet4 no-flood');
    host.run('ovs-vsctl -- --id=@m create Mirror name=tap -- add Bridge br0 mirrors @m');
    const theirs = mirrors();
    const cleaned = await outcomeOf(host.cli(['cleanup']));
    expect([cleaned.status, cleaned.stdout]).toEqual([0, expect.stringContaining('0 changes undone, nothing is left')]);
    expect([port(), mirrors(), journals()]).toEqual(['10', theirs, []]);
    expect(host.run('ovs-ofctl show br0')).toMatch(/\(vnet4\)[^]*?config: +NO_FLOOD/);
    host.run('ovs-vsctl clear Bridge br0 mirrors -- clear Port vnet4 tag');
    host.run('ovs-ofctl mod-port br0 vnet4 flood');
    host.talk();
    // The port that was made anew has another number, and stands elsewhere in the list.
    const unnumbered = (text: string): readonly string[] =>
      text
        .replaceAll(/\d+\(vnet4\)/g, '(vnet4)')
        .split('\n')
        .sort();
    expect(unnumbered(shape())).toEqual(unnumbered(before));
  });

  it('is refused where it could not be put back, and where Open vSwitch has no such table', async () => {
    const refused = async (changes: string): Promise<string> =>
      (await outcomeOf(host.cli(['plan', host.scenario('refused', `  - { name: x, ${changes}, ${probe} }\n`, allow)])))
        .stderr;
    expect(await refused('set: { br0: { datapath_type: system } }')).toContain(
      '"datapath_type" is no setting of a bridge of Open vSwitch that a run can put back',
    );
    expect(await refused('set: { vnet0: { isolated: on } }')).toContain(
      '"isolated" is no setting of a port of Open vSwitch',
    );
    expect(await refused('set: { br0: { other_config: "{a=b}" } }')).toContain(
      'expected one of its keys, such as other_config:mac-table-size',
    );
    expect(await refused('set: { vnet0: { protected: 7 } }')).toContain('expected on or off');
    const tables: readonly (readonly [string, string])[] = [
      [
        'mdb: { add: [ { group: 239.1.1.1, port: vnet0 } ] }',
        'steps[0].mdb on Open vSwitch: it has no command for members',
      ],
      ['vlan: { add: [ { port: vnet0, vid: 10, untagged: on } ] }', 'steps[0].vlan on Open vSwitch: only the pvid'],
      [
        'fdb: { add: [ { mac: "02:00:00:00:00:77", port: vnet0, sticky: on } ] }',
        'steps[0].fdb on Open vSwitch: entries made by hand are static',
      ],
    ];
    for (const [changes, why] of tables) {
      const { status, stderr } = await runOn(
        host,
        host.scenario('lacking', `  - { name: x, ${changes}, ${probe} }\n`, allow),
        '--allow-changes',
      );
      expect([status, stderr]).toEqual([69, expect.stringContaining(why)]);
    }
  });

  it('needs the datapath that the file names', { tags: 'all', timeout: patient(300_000) }, async () => {
    const second = await runOn(
      host,
      host.scenario('kernel', `  - { name: x, ${probe} }\n`, '', { bridge: '{ kind: ovs, datapath: system }' }),
    );
    expect([second.status, second.stderr]).toEqual([69, expect.stringContaining('datapath netdev, not system')]);
    if (lacking("Open vSwitch's datapath") === null) return;
    host.run(['sh', '-c', 'ovs-vsctl --timeout=5 add-br br1 || true']);
    const none = await runOn(
      host,
      host.scenario('none', `  - { name: x, ${probe} }\n`, '', { bridge: '{ kind: ovs }', name: 'br1' }),
    );
    host.run('ovs-vsctl del-br br1');
    expect([none.status, none.stderr]).toEqual([
      69,
      expect.stringContaining('br1: datapath system: the kernel has no datapath of Open vSwitch'),
    ]);
  });
});
