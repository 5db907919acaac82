import { describe, expect, it } from 'vitest';
import { composed } from '../../../../support/discover/composed.js';
import type { Neighbour } from '../../../../../src/core/discover/host-topology.js';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const port = (name: string, kind: LinkState['kind'], learning: boolean): LinkState =>
  upLink(name, { kind, master: 'br0', promiscuity: 1, port: { isolated: false, learning, flood: true } });
const macOf = (n: number): string => `52:54:00:00:00:0${n}`;
const gateway = '02:00:00:00:77:01';

/** Three guests that the bridge knows, and a NIC at which it has learned nothing. */
function stepsWith(
  learning: boolean,
  known: { readonly neighbours?: readonly Neighbour[]; readonly heard?: ReadonlyMap<string, string> },
): readonly { readonly name: string; readonly probe: readonly Readonly<Record<string, unknown>>[] }[] {
  const bridge = upLink('br0', { kind: 'bridge', bridge: { ageing_time: 30_000 }, port: null });
  const guests = [1, 2, 3].map((n) => port(`v${n}`, 'veth', true));
  const state = stateWith([bridge, ...guests, port('nic', null, learning)], {
    fdb: [1, 2, 3].map((n) => learnedAt(macOf(n), `v${n}`, { master: 'br0', state: 'dynamic' })),
  });
  return JSON.parse(JSON.stringify(composed({ state, ...known }).whole.scenario)).steps;
}

describe('an uplink that does not learn', () => {
  const toNic = { class: 'known-unicast', from: ['v1', 'v2', 'v3'], to: ['nic'] };
  const asked = (...of: Parameters<typeof stepsWith>) =>
    stepsWith(...of).flatMap(({ name, probe }) =>
      probe.flatMap((entry) => (JSON.stringify(entry['to']) === '["nic"]' ? [{ step: name, ...entry }] : [])),
    );

  it('is sent to, with the MAC of the gateway as the host knows it: what guests send there floods', () => {
    const neighbours = [{ mac: gateway, address: '10.9.0.77', device: 'br0' }];
    expect(asked(false, { neighbours })).toMatchObject([{ step: 'may flood out of the uplink', ...toNic }]);
  });

  it('is sent to, with a MAC that was heard there', () => {
    expect(asked(false, { heard: new Map([['nic', gateway]]) })).toMatchObject([toNic]);
  });

  it('is not spoken for, and not sent to where nothing is known', () => {
    const heard = new Map([['nic', gateway]]);
    const senders = stepsWith(false, { heard }).flatMap(({ probe }) => probe.flatMap(({ from }) => from));
    expect(senders).not.toContain('nic');
    expect(asked(false, {})).toEqual([]);
  });

  it('is none where it learns, and has not heard the station yet', () => {
    expect(asked(true, { neighbours: [{ mac: gateway, address: '10.9.0.77', device: 'br0' }] })).toEqual([]);
  });
});

it('a guest whose port does not learn is sent to by the uplink and by the host as well', () => {
  const bridge = upLink('br0', { kind: 'bridge', bridge: { ageing_time: 30_000 }, port: null });
  const ports = [port('v1', 'veth', true), port('v2', 'veth', false), port('nic', null, true)];
  const state = stateWith([bridge, ...ports], {
    fdb: [
      learnedAt(macOf(1), 'v1', { master: 'br0', state: 'dynamic' }),
      learnedAt(gateway, 'nic', { master: 'br0', state: 'dynamic' }),
    ],
  });
  const neighbours = [
    { mac: macOf(2), address: '10.9.0.2', device: 'br0' },
    { mac: gateway, address: '10.9.0.77', device: 'br0' },
  ];
  const guest = { manager: 'libvirt', name: 'g2', port: 'v2', mac: macOf(2), ips: [], zone: null } as const;
  const inventory = { guests: [guest], unread: [] };
  const { scenario } = composed({ state, neighbours, inventory, addresses: { br0: ['10.9.0.1/24'] } });
  const toUnlearned = scenario.steps.flatMap(({ name, probes }) =>
    probes.flatMap(({ class: kind, from, to }) =>
      kind === 'known-unicast' && to?.join() === 'g2' ? [{ name, from }] : [],
    ),
  );
  const name = 'may flood out of the uplink';
  expect(toUnlearned).toEqual(['v1', 'nic', 'host'].map((sender) => ({ name, from: [sender] })));
});

describe('a guest with an entry for another MAC than it sends with, at a port that does not learn', () => {
  const further = '02:00:00:00:77:09';
  const stepsAt = (state: 'static' | 'dynamic', heard: ReadonlyMap<string, string>) => {
    const bridge = upLink('br0', { kind: 'bridge', bridge: { ageing_time: 30_000 }, port: null });
    const ports = [1, 2, 3].map((n) => port(`v${n}`, 'veth', n !== 2));
    const fdb = [1, 2, 3].map((n) =>
      learnedAt(macOf(n), `v${n}`, { master: 'br0', state: n === 2 ? state : 'dynamic' }),
    );
    const { scenario } = composed({ state: stateWith([bridge, ...ports], { fdb }), heard });
    const { macs } = scenario.topology.endpoints.find(({ name }) => name === 'v2') ?? {};
    const probes = scenario.steps.flatMap(({ probes: of }) => of.filter(({ class: kind }) => kind === 'known-unicast'));
    return {
      macs,
      toIt: probes.filter(({ to }) => to?.includes('v2') === true),
      from: probes.flatMap(({ from }) => from),
    };
  };

  it.each(['static', 'dynamic'] as const)('is sent to by the MAC that was heard, beside a %s entry', (state) => {
    const { macs, toIt, from } = stepsAt(state, new Map([['v2', further]]));
    expect(macs).toEqual([further]);
    expect(toIt.length).toBeGreaterThan(0);
    expect(from).not.toContain('v2');
  });

  it('is spoken for by its entry where no other MAC was heard', () => {
    const { macs, from } = stepsAt('static', new Map());
    expect(macs).toEqual([macOf(2)]);
    expect(from).toContain('v2');
  });
});

describe('a guest with several MACs at its port', () => {
  const [device, machine] = ['02:00:00:00:77:0a', '02:00:00:00:77:0b'];
  const endpointWith = (neighbours: readonly Neighbour[]) => {
    const bridge = upLink('br0', { kind: 'bridge', bridge: { ageing_time: 30_000 }, port: null });
    const ports = [1, 2].map((n) => port(`v${n}`, 'veth', true));
    const fdb = [macOf(1), device, machine].map((mac, at) =>
      learnedAt(mac, at === 0 ? 'v1' : 'v2', { master: 'br0', state: 'dynamic' }),
    );
    const record = { manager: 'cri', name: 'pod', port: 'v2', mac: device, ips: ['10.9.0.2'], zone: null } as const;
    const inventory = { guests: [record], unread: [] };
    const { scenario } = composed({ state: stateWith([bridge, ...ports], { fdb }), inventory, neighbours });
    return scenario.topology.endpoints.find(({ name }) => name === 'pod');
  };

  it('speaks with the address that the host knows from the MAC that has it there, so that no answer goes astray', () => {
    const talking = [{ mac: machine, address: '10.9.0.2', device: 'br0' }];
    expect(endpointWith(talking)).toMatchObject({ macs: [machine, device], ips: [{ address: '10.9.0.2' }] });
  });

  it.each([[[]], [[{ mac: device, address: '10.9.0.2', device: 'br0' }]]])(
    'speaks with the reported one where the host knows it, or none of them',
    (neighbours) => {
      expect(endpointWith(neighbours)?.macs).toEqual([device, machine]);
    },
  );
});
