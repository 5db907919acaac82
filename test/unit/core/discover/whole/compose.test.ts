import { describe, expect, it } from 'vitest';
import { attributesOf } from '../../../../../src/core/bridge/attributes.js';
import type { WholeInput, HostOptions } from '../../../../../src/core/discover/whole/compose.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import { composed as wholeOf } from '../../../../support/discover/composed.js';
import { learnedAt, setBridges, stateWith, upLink, setLink } from '../../../../support/link-state.js';

const port = (name: string, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, {
    mac: '02:00:00:00:00:ff',
    master: 'br0',
    promiscuity: 1,
    kind: 'veth',
    port: { isolated: false, learning: true, flood: true },
    ...more,
  });
const bridge = (name: string, bridgeSettings: Record<string, number> = {}): LinkState =>
  port(name, { master: null, kind: 'bridge', bridge: bridgeSettings, port: null });
const macOf = (n: number): string =>
  `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
const entry = (mac: string, name: string, master = 'br0') => learnedAt(mac, name, { master, state: 'dynamic' });
const access = (ifname: string, vlan: number) => ({ ifname, vlans: [{ vlan, flags: ['PVID', 'Egress Untagged'] }] });

/** A host with so many guests on br0, of which the bridge knows all. */
function hostOf(
  guests: number,
  change: (n: number) => Partial<LinkState> = () => ({}),
  more: readonly LinkState[] = [],
): HostState {
  const numbers = Array.from({ length: guests }, (_, at) => at + 1);
  const fdb = numbers.map((n) => entry(macOf(n), `v${n}`));
  return stateWith([bridge('br0'), ...numbers.map((n) => port(`v${n}`, change(n))), ...more], { fdb });
}

interface Probe {
  readonly class: string;
  readonly from: readonly string[];
  readonly to?: readonly string[];
  readonly rounds?: number | string;
  readonly rate?: number;
  readonly may_see?: readonly string[];
  readonly open_by_design?: readonly string[];
}

interface Composed {
  readonly steps: readonly { readonly name: string; readonly probe: readonly Probe[] }[];
  readonly notes: readonly string[];
  readonly beside: readonly string[];
  readonly endpoints: Readonly<
    Record<
      string,
      { readonly bridge: string; readonly mac?: string | readonly string[]; readonly observed_only?: true }
    >
  >;
}

/** The steps that are written, which load as any file. */
function composed(state: HostState, wishes: Partial<HostOptions> = {}, more: Partial<WholeInput> = {}): Composed {
  const { whole: found } = wholeOf({ state, ...more }, wishes);
  return {
    steps: JSON.parse(JSON.stringify(found.scenario)).steps,
    notes: found.notes,
    beside: found.beside ?? [],
    endpoints: found.scenario.topology.endpoints,
  };
}
const addresses = { br0: ['10.9.0.254/24'] };
const classesOf = (step: { readonly probe: readonly Probe[] } | undefined): readonly string[] =>
  (step?.probe ?? []).map((probe) => probe.class);

describe('the scenario of a whole host', () => {
  it('asks each guest in round 1, and all other pairs in the further rounds', () => {
    const { steps } = composed(hostOf(4));
    expect(steps.map((step) => classesOf(step))).toEqual([
      ['known-unicast', 'unknown-unicast', 'arp-request', 'broadcast', 'multicast', 'mac-spoof', 'ip-spoof'],
      ['known-unicast'],
    ]);
    const everybody = ['v1', 'v2', 'v3', 'v4'];
    expect(steps[0]?.probe[0]).toMatchObject({ from: everybody, to: everybody, rounds: 1 });
    expect(steps[0]?.probe[1]).toMatchObject({ from: everybody, may_see: [], open_by_design: everybody });
    expect(steps[1]?.probe[0]).toMatchObject({ rounds: '2-' });
  });

  it('sends 50 frames a second at most that may flood out of an uplink, of ARP 10, and forges no source there', () => {
    const nic = port('nic', { kind: null });
    const host = hostOf(3, undefined, [nic]);
    const { steps } = composed({ ...host, fdb: [...host.fdb, entry('00:11:22:33:44:55', 'nic')] }, { rate: 5000 });
    const floods = steps.find(({ name }) => name.includes('flood out'));
    expect(classesOf(floods)).toEqual(['unknown-unicast', 'arp-request', 'broadcast', 'multicast']);
    expect(floods?.probe.map(({ rate }) => rate)).toEqual([50, 10, 50, 50]);
    expect(steps[0]?.probe.map(({ from, to }) => [from.length, to?.length])).toEqual([
      [3, 3],
      [3, 1],
      [1, 3],
    ]);
    expect(steps.flatMap((step) => classesOf(step))).not.toContain('mac-spoof');
  });

  it('sends each frame as slowly if the bridge is a hub with an uplink', () => {
    const host = hostOf(3, undefined, [port('nic', { kind: null })]);
    const { steps } = composed(setBridges({ ageing_time: 0 })(host));
    expect(
      steps.flatMap(({ probe }) => probe.map(({ rate }) => rate)).every((rate) => rate === 10 || rate === 50),
    ).toBe(true);
  });

  it('speaks for no guest whose MAC is not on its port, and says so', () => {
    const host = hostOf(4);
    const { steps, notes } = composed({ ...host, fdb: host.fdb.slice(1) });
    expect(steps.flatMap(({ probe }) => probe.flatMap(({ from }) => from))).not.toContain('v1');
    expect(notes).toContainEqual(expect.stringContaining('v1: the bridge has learned no MAC on its port. '));
  });

  it('says of many guests once what is to be said of each', () => {
    const host = hostOf(8);
    const { notes } = composed({ ...host, fdb: host.fdb.slice(5) });
    const said = notes.filter((note) => note.includes('observed only'));
    expect(said).toEqual([expect.stringMatching(/^v1, v2, v3 and 2 more: the bridge has learned no MAC/)]);
  });

  it('speaks for no address that several machines share', () => {
    const host = hostOf(4);
    const vrrp = { ...host, fdb: [entry('00:00:5e:00:01:07', 'v1'), ...host.fdb.slice(1)] };
    expect(composed(vrrp).steps.flatMap(({ probe }) => probe.flatMap(({ from }) => from))).not.toContain('v1');
  });

  it('knows a guest by a permanent entry that is not of its port, and says what such an entry does', () => {
    const host = hostOf(3);
    const fdb = [entry('02:00:00:00:00:ff', 'v3'), ...host.fdb.slice(0, 2)].map((each) => ({
      ...each,
      state: 'permanent',
    }));
    const { steps, notes } = composed({ ...host, fdb });
    expect(steps[0]?.probe[0]).toMatchObject({ class: 'known-unicast', from: ['v1', 'v2'], must_see: [] });
    expect(notes).toContainEqual(expect.stringMatching(/^br0: 2 of 3 guests have a permanent entry: the host takes/));
  });

  it('sends to a guest whose port learns nothing, where its MAC is known', () => {
    const host = hostOf(4, (n) => (n === 2 ? { port: { learning: false } } : {}));
    const deaf = { ...host, fdb: host.fdb.filter((entry) => entry.port !== 'v2') };
    const neighbours = [{ mac: macOf(2), address: '10.9.0.2', device: 'br0' }];
    const { steps, notes } = composed(deaf, {}, { neighbours });
    expect(steps[0]?.probe[1]).toMatchObject({
      class: 'known-unicast',
      from: ['v1', 'v3', 'v4'],
      to: ['v2'],
      rounds: 1,
    });
    expect(notes).toContainEqual(expect.stringContaining('learning is off at v2'));
    // Two stations of which no bridge knows: either may be the one behind v2
    const more = [...neighbours, { mac: macOf(77), address: '10.9.0.77', device: 'br0' }];
    expect(composed(deaf, {}, { neighbours: more }).steps[0]?.probe[1]?.class).toBe('unknown-unicast');
  });

  it('sends to a guest that a full table has no room for, where its MAC is heard', () => {
    const host = hostOf(4);
    const fdb = host.fdb.filter((entry) => entry.port !== 'v2');
    const full = setLink('br0', { bridge: { fdb_max_learned: 3, fdb_n_learned: 3 } })({ ...host, fdb });
    const { steps, notes } = composed(full, {}, { heard: new Map([['v2', macOf(2)]]) });
    expect(steps[0]?.probe[1]).toMatchObject({ class: 'known-unicast', from: ['v1', 'v3', 'v4'], to: ['v2'] });
    expect(notes).toContainEqual(expect.stringContaining('the MAC table of br0 is full; the host reports its MAC'));
    const unheard = composed(full).notes.filter((note) => note.startsWith('v2'));
    expect(unheard).toEqual([expect.stringContaining('raise the limit')]);
  });

  it('gives such a guest no station that the host talks to at another device', () => {
    const host = hostOf(4, (n) => (n === 2 ? { port: { learning: false } } : {}), [
      upLink('eth0'),
      upLink('br0.7', { kind: 'vlan', lower: 'br0' }),
    ]);
    const deaf = { ...host, fdb: host.fdb.filter((entry) => entry.port !== 'v2') };
    const macAt = (device?: string): unknown => {
      const neighbour = { mac: macOf(2), address: '10.9.0.2', ...(device === undefined ? {} : { device }) };
      return composed(deaf, {}, { neighbours: [neighbour] }).endpoints['v2']?.mac;
    };
    expect(macAt('eth0')).toBe(undefined);
    expect(macAt()).toBe(undefined);
    expect(macAt('br0')).toBe(macOf(2));
    expect(macAt('br0.7')).toBe(macOf(2));
    const both = [
      { mac: macOf(2), address: '10.9.0.2', device: 'br0' },
      { mac: macOf(77), address: '192.0.2.1', device: 'eth0' },
    ];
    expect(composed(deaf, {}, { neighbours: both }).endpoints['v2']?.mac).toBe(macOf(2));
  });

  it('sends to a guest whose MAC a static entry has at another port, and does not speak for it', () => {
    const host = hostOf(4);
    const stray = { ...entry(macOf(2), 'v3'), state: 'static' };
    const fdb = [stray, ...host.fdb.filter((entry) => entry.port !== 'v2')];
    const record = { name: 'two', port: 'v2', mac: macOf(2), ips: [], zone: null };
    const inventory = { guests: [{ manager: 'libvirt' as const, ...record }], unread: [] };
    const { steps, notes, endpoints } = composed({ ...host, fdb }, {}, { inventory });
    expect(steps[0]?.probe[1]).toMatchObject({ class: 'known-unicast', from: ['v1', 'v3', 'v4'], to: ['two'] });
    expect(notes).toContainEqual(expect.stringContaining('two: a static entry of the bridge points its MAC at v3'));
    expect([endpoints['two'], endpoints['v3']?.mac]).toEqual([expect.objectContaining({ mac: macOf(2) }), macOf(3)]);
    expect(endpoints['two']).not.toHaveProperty('observed_only');
    // in a VLAN that untagged frames are not in, it leads nobody astray
    const tagged = composed({ ...host, fdb: [{ ...stray, vlan: 20 }, ...fdb.slice(1)] }, {}, { inventory });
    expect(tagged.endpoints['two']).toHaveProperty('observed_only', true);
    // learned there, it comes back when its owner speaks
    const learned = composed({ ...host, fdb: [{ ...stray, state: 'dynamic' }, ...fdb.slice(1)] }, {}, { inventory });
    expect(learned.endpoints['two']).toHaveProperty('observed_only', true);
  });

  it('takes isolation for meant where most ports have it, and asks that nobody is reached', () => {
    const { steps, notes } = composed(hostOf(4, (n) => ({ port: { isolated: n !== 3 } })));
    expect(notes).toContainEqual(expect.stringContaining('3 of 4 ports of guests are isolated'));
    expect(steps[0]?.probe.find((probe) => probe.class === 'known-unicast')).toMatchObject({ may_see: [] });
    expect(steps[0]?.probe.some((probe) => probe.open_by_design !== undefined)).toBe(false);
    expect(classesOf(steps[0])).toContain('routed-bounce');
    expect(composed(hostOf(4, (n) => ({ port: { isolated: n === 3 } }))).notes.join()).not.toContain('are isolated');
  });

  it('asks that no guest reaches one of another VLAN, whether or not the bridge filters', () => {
    const vlan = [1, 2, 3, 4].map((n) => access(`v${n}`, n < 3 ? 10 : 20));
    const { steps } = composed({ ...hostOf(4), vlan });
    expect(steps[0]?.probe).toContainEqual(
      expect.objectContaining({ class: 'known-unicast', from: ['v1', 'v2'], to: ['v3', 'v4'], may_see: ['v1', 'v2'] }),
    );
    expect(steps[0]?.probe).toContainEqual(
      expect.objectContaining({ class: 'broadcast', from: ['v3', 'v4'], open_by_design: ['v3', 'v4'] }),
    );
  });

  it('lets a trunk see what floods in its VLANs, and no known unicast', () => {
    const trunk = { ifname: 'v3', vlans: [{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }, { vlan: 10 }] };
    const { steps } = composed({ ...hostOf(3), vlan: [access('v1', 10), access('v2', 10), trunk] });
    const openTo = (name: string): readonly unknown[] =>
      steps.flatMap(({ probe }) =>
        probe.filter((written) => written.class === name).map(({ open_by_design: open }) => open),
      );
    expect(openTo('broadcast')).toContainEqual(['v1', 'v2', 'v3']);
    expect(new Set(openTo('known-unicast'))).toEqual(new Set([undefined]));
  });

  it('narrows who sends and is sent to, not what the settings of the whole bridge claim or leave open', () => {
    const stock = composed(hostOf(4), { guests: ['v1'] }).steps[0]?.probe ?? [];
    expect(stock.find((probe) => probe.class === 'broadcast')).toMatchObject({
      from: ['v1'],
      open_by_design: ['v1', 'v2', 'v3', 'v4'],
    });
    const isolated = composed(
      hostOf(4, (n) => ({ port: { isolated: n !== 3 } })),
      { guests: ['v1', 'v3'] },
    );
    expect(isolated.notes.join()).toContain('3 of 4 ports of guests are isolated');
    expect(isolated.steps[0]?.probe[0]).toMatchObject({ from: ['v1', 'v3'], to: ['v1', 'v3'], may_see: [] });
  });

  it('examines all bridges that have guests, and one alone where it is named', () => {
    const host = hostOf(3, undefined, [
      bridge('br1'),
      ...[1, 2, 3].map((n) => port(`w${n}`, { master: 'br1' })),
      bridge('empty'),
    ]);
    const two = { ...host, fdb: [...host.fdb, ...[1, 2, 3].map((n) => entry(macOf(100 + n), `w${n}`, 'br1'))] };
    const first = composed(two).steps[0]?.probe.filter((probe) => probe.class === 'known-unicast') ?? [];
    expect(first.map(({ from }) => from)).toEqual([
      ['v1', 'v2', 'v3'],
      ['w1', 'w2', 'w3'],
    ]);
    expect(composed(two, { bridge: 'br1' }).steps[0]?.probe[0]?.from).toEqual(['w1', 'w2', 'w3']);
  });

  it('has so many rounds as there is time for, and of more than 300 guests those that stand for ports of a kind', () => {
    expect(composed(hostOf(50), { forMs: 7000 }).steps.at(-1)?.probe[0]?.rounds).toBe('2-26');
    expect(composed(hostOf(50), { forMs: 1000 }).steps).toHaveLength(1);
    const { steps } = composed(hostOf(310, (n) => ({ port: { flood: n > 5 } })));
    expect(steps[0]?.probe[0]?.from).toHaveLength(310);
    expect(steps[1]?.probe[0]?.from).toHaveLength(25);
  });

  it('guests whose ports differ in any setting that decides stand for themselves beyond 300 guests', () => {
    const deciding = attributesOf.port.filter(({ decides }) => decides !== undefined).map(({ key }) => key);
    const guests = 310;
    // The last ports: the first 20 of a kind stand for it
    const keyOf = (n: number): string | undefined => deciding[guests - n];
    const { steps } = composed(hostOf(guests, (n) => ({ port: { priority: n, [keyOf(n) ?? 'cost']: true } })));
    const [alike, apart] = [steps[1]?.probe[0]?.from.slice(0, 20), steps[1]?.probe[0]?.from.slice(20)];
    expect(alike).toEqual(Array.from({ length: 20 }, (_, at) => `v${at + 1}`));
    expect(apart?.map((name) => keyOf(Number(name.slice(1))))).toEqual(deciding.toReversed());
  });

  it('writes down which guests are only observed: those whose MAC is not on their port now, but not those that learn nothing', () => {
    const host = hostOf(5, (n) => ({ port: { isolated: false, learning: n !== 5, flood: true } }));
    const { endpoints } = composed(
      { ...host, fdb: host.fdb.slice(0, 3) },
      {},
      { neighbours: [{ address: '10.0.0.5', mac: macOf(5), device: 'br0' }] },
    );
    expect(
      Object.entries(endpoints).flatMap(([name, { observed_only }]) => (observed_only === true ? [name] : [])),
    ).toEqual(['v4']);
    expect(endpoints['v5']?.mac).toBe(macOf(5));
    const narrow = composed({ ...host, fdb: host.fdb.slice(0, 3) }, { guests: ['v1', 'v2'] });
    expect(JSON.stringify(narrow.endpoints)).not.toContain('observed_only');
  });

  it('asks for a ping where no guest is known, unless the host has a side there to send from', () => {
    const silent = { ...hostOf(3), fdb: [] };
    expect(() => composed(silent)).toThrow(
      expect.objectContaining({ hint: 'start the guests, ping from each once, and try again' }),
    );
    expect(composed(silent, {}, { addresses }).steps.flatMap(classesOf)).toEqual(['unknown-unicast']);
    const deaf = hostOf(3, () => ({ port: { learning: false } }));
    const heard = new Map([1, 2].map((n) => [`v${n}`, macOf(n)]));
    const [probe] = composed({ ...deaf, fdb: [] }, {}, { addresses, heard }).steps[0]?.probe ?? [];
    expect(probe).toMatchObject({ class: 'known-unicast', from: ['host'], to: ['v1', 'v2'] });
    expect(() => composed({ ...hostOf(1), fdb: [] })).toThrow(/^cannot test 1 guest on br0: the bridge knows/);
  });

  it('takes the host for a party where it has an address, whose frames with guests nobody else is to see', () => {
    const guests = ['v1', 'v2', 'v3'];
    const { steps, endpoints } = composed(hostOf(3), {}, { addresses });
    expect(endpoints['host']).toEqual({ bridge: 'br0', attach: 'host', ip: ['10.9.0.254/24'] });
    // An IPv6 packet to an address that is not its own would be routed onwards
    const carriers = ['raw', 'ipv4-udp'];
    expect(steps[0]?.probe.filter((probe) => probe.class === 'known-unicast').slice(1)).toEqual([
      expect.objectContaining({ from: guests, to: ['host'], carriers }),
      expect.objectContaining({ from: ['host'], to: guests, carriers }),
    ]);
    expect(steps[0]?.probe.find((probe) => probe.class === 'broadcast')).toMatchObject({ may_see: ['host'] });
    // Isolated ports beside an uplink get what floods from there
    const flooded = { class: 'unknown-unicast', from: ['host'], carriers, open_by_design: guests };
    expect(steps[0]?.probe).toContainEqual(expect.objectContaining(flooded));
    const isolated = (...more: readonly LinkState[]) =>
      composed(
        hostOf(3, () => ({ port: { isolated: true } }), more),
        {},
        { addresses },
      ).steps.flatMap(({ probe }) =>
        probe.filter(({ class: name, from: [sender] }) => name === 'unknown-unicast' && sender === 'host'),
      );
    expect(isolated()).toEqual([
      { class: 'unknown-unicast', from: ['host'], count: 1, carriers, must_see: [], may_see: [], rate: 1000 },
    ]);
    expect(isolated(port('nic', { kind: null }))).toEqual([expect.objectContaining(flooded)]);
    expect(composed(hostOf(3), { guests: ['v1'] }, { addresses }).endpoints['host']).toBeUndefined();
    expect(composed(hostOf(3), {}, { addresses: { br0: [] } }).endpoints['host']).toBeUndefined();
    const vlan = [1, 2, 3].map((n) => access(`v${n}`, n * 10));
    expect(composed({ ...hostOf(3), vlan }, {}, { addresses }).endpoints['host']).toBeUndefined();
  });

  it('names what no bridge carries, in the file and where that is all there is', () => {
    const beside = {
      devices: [],
      bridges: [{ space: '/run/netns/web', name: 'br9', ports: 2, linked: true }],
      routes: [],
      sysctl: {},
    };
    expect(composed(hostOf(3), {}, { beside }).beside).toEqual([
      expect.stringContaining('not examined: br9 in /run/netns/web'),
    ]);
    const alone = expect.objectContaining({
      exitCode: 69,
      message: expect.stringContaining('not examined: br9 in /run/netns/web'),
      hint: 'verify-isolation run --netns web --bridge br9',
    });
    expect(() => composed(hostOf(0), {}, { beside })).toThrow(alone);
    const apart = { ...beside, bridges: beside.bridges.map((bridge) => ({ ...bridge, linked: false })) };
    expect(composed(hostOf(3), {}, { beside: apart }).beside).toEqual([]);
    expect(() => composed(hostOf(0), {}, { beside: apart })).toThrow(
      expect.objectContaining({ exitCode: 69, hint: 'verify-isolation run --netns web --bridge br9' }),
    );
  });

  it('ends with 69 where there is nothing to examine', () => {
    const nothing = expect.objectContaining({ code: 'nothing-to-examine', exitCode: 69 });
    expect(() => composed({ ...hostOf(0) })).toThrow(nothing);
    expect(() => composed({ ...hostOf(0), links: [] })).toThrow(nothing);
    expect(() => composed({ ...hostOf(0), links: [bridge('br0'), port('nic', { kind: null })] })).toThrow(nothing);
    expect(() => composed(hostOf(3), { guests: ['nobody'] })).toThrow(nothing);
    expect(() => composed({ ...hostOf(3), fdb: [] })).toThrow(expect.objectContaining({ exitCode: 3 }));
    expect(() => composed(hostOf(3), { bridge: 'br9' })).toThrow(expect.objectContaining({ exitCode: 69 }));
  });
});

describe.each(['veth', 'netkit'])('two bridges that a %s joins', (kind) => {
  it('are examined one at a time: the end of the other is an uplink, and its guests are nobody here', () => {
    const host = hostOf(3, undefined, [
      bridge('br1'),
      port('j0', { kind, lower: 'j1' }),
      port('j1', { kind, lower: 'j0', master: 'br1' }),
      ...[7, 8, 9].map((n) => port(`w${n}`, { master: 'br1' })),
    ]);
    const fdb = [
      ...host.fdb,
      ...[7, 8, 9].flatMap((n) => [entry(macOf(n), `w${n}`, 'br1'), entry(macOf(n), 'j0')]),
      ...[1, 2, 3].map((n) => entry(macOf(n), 'j1', 'br1')),
    ];
    const message: unknown = expect.stringMatching(/^"j0" joins "br0" to "br1", "j1" joins "br1" to "br0", and one/);
    const hint: unknown = expect.stringContaining('--bridge br0, then verify-isolation run --bridge br1. ');
    expect(() => composed({ ...host, fdb })).toThrow(expect.objectContaining({ message, hint }));
    const { endpoints } = composed({ ...host, fdb }, { bridge: 'br0' });
    expect(endpoints).toMatchObject({ j0: { bridge: 'br0', role: 'uplink' } });
    expect(endpoints['j0']?.mac).toBeUndefined();
  });
  it('are one where nothing else is on the second: its end is a port like others, which nobody vouches for', () => {
    const host = hostOf(3, undefined, [
      bridge('br1'),
      port('j0', { kind, lower: 'j1' }),
      port('j1', { kind, lower: 'j0', master: 'br1' }),
    ]);
    const { endpoints } = composed(host);
    expect(endpoints['j0']).toEqual({ bridge: 'br0', port: 'j0', observed_only: true });
    expect(endpoints).not.toHaveProperty('j1');
  });
});
