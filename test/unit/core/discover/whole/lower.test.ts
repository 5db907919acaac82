import { describe, expect, it } from 'vitest';
import type { WholeInput } from '../../../../../src/core/discover/whole/compose.js';
import type { LinkedDevice } from '../../../../../src/core/model/state.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { composed } from '../../../../support/discover/composed.js';
import { device, state } from '../../../../support/discover/lower-devices.js';

function found(
  devices: readonly LinkedDevice[],
  wishes: Partial<WholeInput['wishes']> = {},
  over: Partial<WholeInput> = {},
) {
  const { whole, scenario } = composed(
    { state, beside: { devices, bridges: [], routes: [], sysctl: {} }, ...over },
    wishes,
  );
  return {
    scenario,
    notes: whole.notes.join('\n'),
    beside: whole.beside ?? [],
    probes: scenario.steps.flatMap(({ probes }) =>
      probes.map(({ class: name, from, to, maySee, mustSee, openByDesign = [] }) =>
        [
          `${name} ${from.length}>${to?.length ?? ''}`,
          `may ${maySee?.length ?? 'default'}`,
          `must ${mustSee?.length ?? 'default'}`,
          `open ${openByDesign.length}`,
        ].join(' '),
      ),
    ),
  };
}

describe('guests on a lower device', () => {
  it('are a segment of its name; in mode bridge what one sends another is for nobody else', () => {
    const { scenario, probes, notes, beside } = found([1, 2, 3].map((number) => device(number, 'bridge')));
    expect(scenario.topology.bridges.map(({ name, kind }) => [name, kind])).toEqual([['up0', 'lower']]);
    expect(scenario.topology.endpoints.map(({ name, attach, port, netns }) => [name, attach, port, netns])).toEqual([
      ['eth0', 'macvlan', 'eth0', '/proc/1/ns/net'],
      ['eth0.2', 'macvlan', 'eth0', '/proc/2/ns/net'],
      ['eth0.3', 'macvlan', 'eth0', '/proc/3/ns/net'],
    ]);
    expect(probes).toEqual([
      'known-unicast 3>3 may default must default open 0',
      'unknown-unicast 3> may 0 must 0 open 0',
      'arp-request 3>3 may 0 must 0 open 3',
      'broadcast 3> may 0 must 0 open 3',
      'multicast 3> may 3 must 0 open 0',
      'known-unicast 3>3 may default must default open 0',
    ]);
    expect(notes).toContain('3 in mode bridge; that those in mode bridge reach each other is no fault here');
    expect(beside).toEqual([]);
  });

  it('get nothing in mode private, and what the switch sends back in mode vepa', () => {
    const [first, second] = [device(1, 'private'), device(2, 'private')];
    expect(found([first, second]).probes).toEqual([
      'known-unicast 2>2 may 0 must 0 open 0',
      'unknown-unicast 2> may 0 must 0 open 0',
      'arp-request 2>2 may 0 must 0 open 0',
      'broadcast 2> may 0 must 0 open 0',
      'multicast 2> may 0 must 0 open 0',
    ]);
    expect(found([first, second]).notes).toContain('the host hands nothing from one to another');
    const mixed = found([first, device(2, 'vepa'), device(3, 'bridge')], { classes: ['known-unicast'] });
    expect(new Set(mixed.probes)).toEqual(
      new Set([
        'known-unicast 1>2 may default must 0 open 0',
        'known-unicast 1>1 may default must 0 open 0',
        'known-unicast 1>3 may 0 must 0 open 0',
        'known-unicast 2>1 may 0 must 0 open 0',
      ]),
    );
    const alone = found([first, device(2, 'bridge'), device(3, 'bridge')], { classes: ['arp-request'] });
    expect(alone.probes).toEqual(['arp-request 2>2 may 0 must 0 open 2', 'arp-request 1>3 may 0 must 0 open 0']);
  });

  it('send slowly what may leave the machine', () => {
    const nic = { ...state, links: state.links.map((link) => ({ ...link, kind: null })) };
    const { scenario } = found([device(1, 'private'), device(2, 'private')], {}, { state: nic });
    expect(scenario.steps.map(({ probes }) => probes[0]?.rate)).toEqual([50]);
  });

  it('are named as their namespace or manager names them, and are one party where they share one', () => {
    const web = { space: '/run/netns/web' };
    const guests = [
      {
        manager: 'docker',
        name: 'db',
        port: null,
        mac: device(9, '').mac,
        ips: [],
        zone: null,
      } as const,
    ];
    const { scenario } = found(
      [device(7, 'bridge', web), device(8, 'bridge', { ...web, name: 'eth1' }), device(9, 'bridge')],
      {},
      { inventory: { guests, unread: [] } },
    );
    expect(scenario.topology.endpoints.map(({ name, owner }) => [name, owner])).toEqual([
      ['web', 'web'],
      ['web.2', 'web'],
      ['db', undefined],
    ]);
  });

  it('are named as not examined where there is one alone, where it is down, in mode source, or not reached', () => {
    const [first, second] = [device(1, 'bridge'), device(2, 'bridge')];
    const others = [
      device(3, 'bridge', { up: false }),
      device(4, 'source'),
      device(5, 'l2', { kind: 'ipvlan', ips: [] }),
    ];
    const { scenario, beside } = found([first, second, ...others]);
    expect(scenario.topology.endpoints).toHaveLength(2);
    expect(beside.map((text) => text.split(/: the|: past/)[0])).toEqual([
      'not examined: up0 (macvlan bridge: eth0 in /proc/3/ns/net)',
      expect.stringContaining('not examined: up0 (macvlan source: eth0 in /proc/4/ns/net)'),
      expect.stringContaining('not examined: up0 (ipvlan l2: eth0 in /proc/5/ns/net)'),
    ]);
    for (const devices of [[first], [device(1, 'bridge', { lower: 9 }), device(2, 'bridge', { lower: 9 })]])
      expect(() => found(devices)).toThrow(VerifyError);
  });

  it('are asked of nothing that is for everybody where only some take part', () => {
    const many = Array.from({ length: 18 }, (_, at) => device(at + 1, 'bridge'));
    const { scenario, probes, beside } = found(many);
    expect(scenario.topology.endpoints).toHaveLength(16);
    expect(beside.join()).toContain('eth0 in /proc/17/ns/net, eth0 in /proc/18/ns/net');
    expect(probes.join()).not.toMatch(/broadcast|arp-request|multicast/);
    const some = found(
      [1, 2, 3].map((number) => device(number, 'bridge')),
      { guests: ['eth0.2', 'eth0.3'], bridge: 'up0' },
    );
    expect(some.probes.join()).not.toMatch(/broadcast|arp-request|multicast/);
  });

  const ipvlan = (number: number, mode: string, more: Partial<LinkedDevice> = {}): LinkedDevice =>
    device(number, mode, { kind: 'ipvlan', mac: '02:00:00:00:00:05', ips: [`10.9.2.${number}/24`], ...more });
  const three = (mode: string, more: Partial<LinkedDevice> = {}): readonly LinkedDevice[] =>
    [1, 2, 3].map((number) => ipvlan(number, mode, more));

  it('have one MAC by ipvlan, and are known by their addresses; broadcast is open to all of them in mode l2', () => {
    const { scenario, probes, notes, beside } = found(three('l2'));
    expect(
      scenario.topology.endpoints.map(({ name, attach, macs, ips }) => [name, attach, macs, ips[0]?.address]),
    ).toEqual([
      ['eth0', 'ipvlan', [], '10.9.2.1'],
      ['eth0.2', 'ipvlan', [], '10.9.2.2'],
      ['eth0.3', 'ipvlan', [], '10.9.2.3'],
    ]);
    expect(probes).toEqual([
      'known-unicast 3>3 may default must default open 0',
      'unknown-unicast 3> may 0 must 0 open 0',
      'broadcast 3> may 0 must 0 open 3',
      'multicast 3> may 3 must 0 open 0',
      'known-unicast 3>3 may default must default open 0',
    ]);
    expect(new Set(scenario.steps.flatMap((step) => step.probes.flatMap(({ carriers }) => carriers)))).toEqual(
      new Set(['ipv4-udp']),
    );
    expect(notes).toContain('3 guests stand on it by ipvlan (l2), 3 in mode bridge; that those in mode bridge');
    expect(beside).toEqual([]);
  });

  it('are not to reach each other by flag private, by broadcast neither, and in mode l3 by what is for a group', () => {
    expect(found(three('l2', { flag: 'private' })).probes).toEqual([
      'known-unicast 3>3 may 0 must 0 open 0',
      'unknown-unicast 3> may 0 must 0 open 0',
      'broadcast 3> may 0 must 0 open 0',
      'known-unicast 3>3 may 0 must 0 open 0',
    ]);
    expect(found(three('l3')).probes).toEqual([
      'known-unicast 3>3 may default must default open 0',
      'broadcast 3> may 0 must 0 open 0',
      'multicast 3> may 0 must 0 open 0',
      'known-unicast 3>3 may default must default open 0',
    ]);
    // the switch beyond decides
    expect(found(three('l2', { flag: 'vepa' })).probes[0]).toBe('known-unicast 3>3 may default must 0 open 0');
    expect(found(three('l3', { ips: ['fd00::1/64'] })).probes).toEqual([
      'known-unicast 3>3 may default must default open 0',
      'known-unicast 3>3 may default must default open 0',
    ]);
  });

  it('are named as not examined by ipvlan in mode l3s, where they could not be heard, and without an address', () => {
    const mute = [ipvlan(4, 'l2', { ips: [] }), ipvlan(5, 'l2', { up: false })];
    const { scenario, beside, probes } = found([...three('l2'), ...mute]);
    expect(scenario.topology.endpoints).toHaveLength(3);
    expect(beside.join()).toContain('not examined: up0 (ipvlan l2: eth0 in /proc/4/ns/net, eth0 in /proc/5/ns/net)');
    expect(beside.join()).toContain('where two of them are up (by ipvlan, with addresses)');
    expect(probes.join()).toContain('broadcast');
    expect(() => found(three('l3s'))).toThrow('pass no interface of theirs');
  });

  it('are named by their namespace, never by a MAC that all on the lower device have', () => {
    const record = { port: null, ips: [], zone: null, manager: 'docker' } as const;
    const guests = [
      { ...record, name: 'shim', mac: '02:00:00:00:00:05' },
      { ...record, name: 'db', mac: null, netns: '/proc/2/ns/net' },
    ] as const;
    const { scenario } = found(three('l2'), {}, { inventory: { guests, unread: [] } });
    expect(scenario.topology.endpoints.map(({ name }) => name)).toEqual(['eth0', 'db', 'eth0.2']);
  });

  it('are virtual machines with a macvtap here, each one by itself, and not a macvlan of the host', () => {
    const links = [
      ...state.links,
      ...['tap1', 'tap2', 'shim'].map((name, at) => ({
        ...device(at + 1, 'bridge'),
        ...(state.links[0] ?? {
          mtu: 0,
          flags: [],
          operstate: '',
          promiscuity: 0,
          sysFlags: null,
          bridge: null,
          port: null,
        }),
        name,
        ifindex: at + 10,
        mac: device(at + 1, '').mac,
        master: null,
        lower: 'up0',
        kind: name === 'shim' ? 'macvlan' : 'macvtap',
        mode: 'bridge',
      })),
    ];
    const { scenario, beside } = found([], {}, { state: { ...state, links } });
    expect(scenario.topology.endpoints.map(({ name, attach, netns }) => [name, attach, netns])).toEqual([
      ['tap1', 'macvtap', null],
      ['tap2', 'macvtap', null],
    ]);
    expect(beside.join()).toContain('macvlan bridge: shim');
  });
});
