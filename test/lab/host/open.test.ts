import { closeSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Change, Fabric } from '../../../src/core/model/fabric.js';
import type { Plan } from '../../../src/core/model/plan.js';
import type { HostState } from '../../../src/core/model/state.js';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../src/core/scenario/load-scenario.js';
import { findHost } from '../../../src/system/fabric/host/find.js';
import { openInjectionPorts } from '../../../src/system/fabric/host/injection-ports.js';
import { openHost } from '../../../src/system/fabric/host/open.js';
import { newNamespace } from '../../../src/system/kernel/namespaces.js';
import { readState } from '../../../src/system/state/read.js';
import { refusalOf } from '../../support/refusal.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';
import { guests, throwAwayHost } from '../../support/lab/throw-away-host.js';

describe('a run on a host, as it is opened and closed', needs(root), () => {
  const host = shared(throwAwayHost);
  afterEach(() => {
    rmSync(host.journal, { recursive: true, force: true });
    mkdirSync(host.journal, { mode: 0o700 });
  });
  const state = (sysctl: readonly string[] = []): Promise<HostState> =>
    readState({ netns: host.netns, sysfs: false, sysctl });
  const indexOf = (name: string): number => Number(/^(\d+):/.exec(host.run(`ip -o link show dev ${name}`))?.[1]);

  /** A run of the scenario, opened as a run opens it. */
  const open = async (
    runId: string,
    parts: {
      readonly steps?: string;
      readonly inside?: 'kali3';
      readonly more?: string;
      readonly runIn?: string;
    } = {},
  ): Promise<{ readonly fabric: Fabric; readonly plan: Plan }> => {
    const steps = `  - { name: s, probe: { class: known-unicast, from: kali2, to: lan, count: 5 }, expect: private }\n`;
    const file = host.scenario(runId, { steps, netns: true, ...parts });
    const scenario = loadScenario(file, readFileSync(file));
    const read = (): Promise<HostState> => state(['net.ipv4.ip_forward']);
    const found = await findHost(scenario, read);
    const { bridgeMacs, unobservable, inPlace } = found;
    const plan = makePlan(found.scenario, { runTag: 1, keySha256: '00', bridgeMacs, unobservable, inPlace });
    const runIn = parts.runIn === undefined ? {} : { runIn: { folder: parts.runIn } };
    const deps = { foundHost: found, runId, journalFolder: host.journal, readState: read, ...runIn };
    return { fabric: await openHost(plan, deps), plan };
  };
  const changes: readonly (readonly [string, Change])[] = [
    ['of a port', { kind: 'set', device: 'vnet4', place: 'port', key: 'flood', value: 'off' }],
    ['of a bridge', { kind: 'set', device: 'br0', place: 'bridge', key: 'ageing_time', value: 1000 }],
    ['of a link', { kind: 'set', device: 'vnet4', place: 'link', key: 'mtu', value: 1400 }],
    ['a sysctl', { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' }],
    [
      'an entry',
      {
        kind: 'fdb',
        act: 'add',
        entry: { mac: '02:00:00:00:00:77', port: 'vnet4', state: 'static', sticky: false, vlan: null, self: false },
      },
    ],
    ['a member', { kind: 'mdb', act: 'add', bridge: 'br0', entry: { group: '239.1.1.1', port: 'vnet4', vlan: null } }],
  ];

  it.each(changes)('a change is put back at the end of the run: %s', async (_what, change) => {
    const before = host.shape();
    const { fabric } = await open('run');
    expect(host.journals()).toEqual(['run.journal']);
    await fabric.apply(change);
    expect(host.shape()).not.toBe(before);
    const lines = readFileSync(join(host.journal, 'run.journal'), 'utf8').trim().split('\n');
    expect(lines.slice(1).map((line) => JSON.parse(line).kind)).toEqual([
      'interface',
      change.kind === 'set' ? 'setting' : change.kind,
    ]);
    expect(await fabric.close()).toEqual([]);
    expect(host.shape()).toBe(before);
    expect(host.journals()).toEqual([]);
  });

  it('changes of one thing are put back in turn, the latest first', async () => {
    const before = host.shape();
    const { fabric } = await open('run');
    for (const value of [1400, 1300, 1450])
      await fabric.apply({ kind: 'set', device: 'vnet4', place: 'link', key: 'mtu', value });
    expect(await fabric.close()).toEqual([]);
    expect(host.shape()).toBe(before);
  });

  it('a change of an interface that has got the name since is refused, and nothing of it is touched', async () => {
    const { fabric } = await open('run');
    host.run('ip link del dev spare');
    host.run('ip link add dev spare type veth peer name spare-0');
    host.run('ip link set dev spare master br0');
    const change = { kind: 'set', device: 'spare', place: 'link', key: 'mtu', value: 1400 } as const;
    expect(await refusalOf(() => fabric.apply(change))).toBe(
      'interface-gone 69 "spare" is another interface than the one that was found',
    );
    expect(host.run('ip link show dev spare')).toContain('mtu 1500');
    expect(await fabric.close()).toEqual([]);
  });

  it('guests are neither started nor stopped, and what happens is run where the bridges are', async () => {
    const { fabric } = await open('run');
    expect(await refusalOf(() => fabric.apply({ kind: 'start', endpoint: 'kali2' }))).toBe(
      'unsupported 69 start kali2: guests of a host are not started by a run',
    );
    expect(await refusalOf(() => fabric.apply({ kind: 'stop', endpoint: 'kali2' }))).toBe(
      'unsupported 69 stop kali2: guests of a host are not stopped by a run',
    );
    await fabric.happen(['ip', 'link', 'show', 'dev', 'vnet4']);
    expect(await refusalOf(() => fabric.happen(['ip', 'link', 'show', 'dev', 'nobody']))).toMatch(/^command-failed 3/);
    expect([fabric.runsAs, fabric.faults()]).toEqual(['root', []]);
    expect((await fabric.readState()).links.map(({ name }) => name)).toContain('vnet4');
    await fabric.settled(false);
    await fabric.close();
  });

  it('each guest that sends has an injection port of its own, that hands over to its port and ends with the run', async () => {
    const { fabric } = await open('ab23456789');
    const way = fabric.sendingPlace('kali2');
    expect(way).toEqual({ device: 'p0', netns: expect.stringMatching(/^\/proc\/\d+\/fd\/\d+$/) });
    expect(fabric.observingPlace('vnet4')).toEqual({ device: 'vnet4', netns: host.netns });
    const shown = host.run('ip -o link show dev viab234567-0');
    expect(shown).toMatch(/NOARP,UP[^]*mtu 1500/);
    expect(host.run('tc filter show dev viab234567-0 ingress')).toMatch(/mirred \(Ingress Redirect to device vnet0\)/);
    const [, line = ''] = readFileSync(join(host.journal, 'ab23456789.journal'), 'utf8').split('\n');
    expect(JSON.parse(line)).toEqual({ kind: 'interface', name: 'viab234567-0', ifindex: indexOf('viab234567-0') });
    expect(await refusalOf(() => fabric.sendingPlace('lan'))).toBe(
      'fabric-unknown 70 there is no injection port at "uplink"',
    );
    expect(await refusalOf(() => fabric.sendingPlace('nobody'))).toBe(
      'fabric-unknown 70 the plan has no endpoint nobody',
    );
    expect(await fabric.close()).toEqual([]);
    expect(host.run('ip -o link show')).not.toContain('viab234567');
  });

  it('a guest that is named by its namespace sends on its own interface', async () => {
    const steps = `  - { name: s, probe: { class: known-unicast, from: kali3, to: lan, count: 5 }, expect: private }\n`;
    const { fabric } = await open('run', { steps, inside: 'kali3' });
    expect(fabric.sendingPlace('kali3')).toEqual({ device: 'eth0', netns: expect.stringMatching(/^\/proc\//) });
    expect(host.run('ip -o link show')).not.toContain('virun');
    expect(await fabric.close()).toEqual([]);
  });

  it('what happens is run in the folder of the scenario, else in the caller’s', async () => {
    const { fabric } = await open('run', { runIn: host.dir });
    await fabric.happen(['ls', 'run.yml']);
    await fabric.close();
    const { fabric: here } = await open('here');
    expect(await refusalOf(() => here.happen(['ls', 'run.yml']))).toMatch(/^command-failed 3/);
    await here.happen(['ls', 'package.json']);
    await here.close();
  });

  it('what is no port of its own sends on the bridge device', async () => {
    const { fabric } = await open('run', { more: '    me: { bridge: br0, attach: host }\n' });
    expect(fabric.sendingPlace('me')).toEqual({ device: 'br0', netns: host.netns });
    await fabric.close();
  });

  it('an addressee that the bridge does not know is asked as unknown unicast', async () => {
    const { mac, port } = guests.lan;
    host.run(`bridge fdb del ${mac} dev ${port} master`);
    const { fabric, plan } = await open('run');
    const sent = plan.steps.flatMap(({ flows }) => flows.map(({ class: name, frame }) => `${name} to ${frame.dstMac}`));
    expect([...new Set(sent)]).toEqual([`unknown-unicast to ${mac}`]);
    expect(await fabric.close()).toEqual([]);
    host.run(`bridge fdb replace ${mac} dev ${port} master dynamic`);
  });

  it('one run at a time is on a bridge, and what the second made until then is gone', async () => {
    const { fabric } = await open('first');
    expect(await refusalOf(() => open('second'))).toMatch(/^locked 69 another run is on bridge br0/);
    expect(host.journals()).toEqual(['first.journal']);
    expect(await fabric.close()).toEqual([]);
    const { fabric: third } = await open('third');
    expect(await third.close()).toEqual([]);
  });

  it('MACs that a run invented are forgotten, and nobody else’s', async () => {
    const steps = `  - { name: s, probe: { class: mac-spoof, from: kali2, to: lan, count: 5 }, expect: unjudged }\n`;
    const { fabric, plan } = await open('run', { steps });
    const invented = [...new Set(plan.steps.flatMap(({ flows }) => flows.map(({ frame }) => frame.srcMac)))].filter(
      (mac) => !Object.values(guests).some((guest) => guest.mac === mac),
    );
    expect(invented.length).toBeGreaterThan(0);
    const learn = (mac: string, port: string, form = 'dynamic'): string =>
      host.run(`bridge fdb replace ${mac} dev ${port} master ${form}`);
    for (const mac of invented) learn(mac, 'vnet0');
    learn('02:00:00:00:00:55', 'vnet0');
    expect(await fabric.close()).toEqual([]);
    const table = host.run('bridge fdb show br br0');
    for (const mac of invented) expect(table).not.toContain(mac);
    expect(table).toContain('02:00:00:00:00:55 dev vnet0');
    // By hand, on another port, or there before: somebody else's.
    const { fabric: again } = await open('again', { steps });
    const [mac = ''] = invented;
    learn(mac, 'vnet0', 'static');
    await again.close();
    expect(host.run('bridge fdb show br br0')).toContain(mac);
    host.run(`bridge fdb del ${mac} dev vnet0 master`);
    learn(mac, 'vnet4');
    const { fabric: last } = await open('last', { steps });
    await last.close();
    expect(host.run('bridge fdb show br br0')).toContain(mac);
    host.run(`bridge fdb del ${mac} dev vnet4 master`);
    host.run('bridge fdb del 02:00:00:00:00:55 dev vnet0 master');
  });

  it('injection ports are opened for those that send, and for none that lives elsewhere', async () => {
    const links = (await state()).links;
    const input = {
      runId: 'fedcba9876',
      journalFolder: host.journal,
      netns: host.netns,
      state: await state(),
      readState: state,
      bridges: ['br0'],
      senders: new Set(['a', 'b', 'c']),
    };
    expect(links.length).toBeGreaterThan(0);
    const ways = await openInjectionPorts({
      ...input,
      endpoints: [
        { name: 'a', attach: 'port', port: 'vnet0', netns: null },
        { name: 'b', attach: 'host', port: 'vnet4', netns: null },
        { name: 'c', attach: 'port', port: 'uplink', netns: host.netns },
        { name: 'd', attach: 'port', port: 'spare', netns: null },
      ],
    });
    expect(host.run('ip -o link show').match(/vifedcba98-\d/g)).toEqual(['vifedcba98-0', 'vifedcba98-1']);
    expect([ways.of('vnet0').device, ways.of('uplink').device]).toEqual(['p0', 'p1']);
    expect(await refusalOf(() => ways.of('vnet4'))).toMatch(/^fabric-unknown 70/);
    expect(ways.inside.size).toBe(0);
    // one that somebody renamed is not the run's any more
    host.run('ip link set dev vifedcba98-1 down');
    host.run('ip link set dev vifedcba98-1 name mine');
    expect(await ways.close()).toEqual([
      expect.stringMatching(/^the interface \d+ is mine, not vifedcba98-1: left as it is$/),
    ]);
    expect(host.journals()).toEqual([]);
    const space = newNamespace();
    const gone = { name: 'a', attach: 'port', port: 'vnet0', netns: `/proc/${process.pid}/fd/${space}` } as const;
    expect(await refusalOf(() => openInjectionPorts({ ...input, endpoints: [gone] }))).toBe(
      `interface-gone 69 a: the other end of "vnet0" is not in the namespace ${gone.netns}`,
    );
    closeSync(space);
  });
});
