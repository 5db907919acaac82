import { describe, expect, it } from 'vitest';
import { type WholeInput, type wholeScenario } from '../../../../../src/core/discover/whole/compose.js';
import { strangerReasons } from '../../../../../src/core/judge/proof/coverage.js';
import type { HostState, LinkState, SenderBehind } from '../../../../../src/core/model/state.js';
import { composed } from '../../../../support/discover/composed.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { plan, step } from '../../../../support/judge/unchanged-fixture.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const port = (name: string, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, {
    ...{ mac: '02:00:00:00:00:ff', master: 'br0', promiscuity: 1, kind: 'veth' },
    port: { isolated: false, learning: true, flood: true },
    ...more,
  });
const entry = (mac: string, name: string) => learnedAt(mac, name, { master: 'br0', state: 'dynamic' });
const stranger = { bridge: 'br0', mac: '00:0c:29:00:00:01', address: '10.0.0.9' };
const named = 'behind-10.0.0.9';

/** A host whose br0 has three guests, all of them known. */
function host(links: readonly LinkState[] = [], over: Partial<HostState> = {}): HostState {
  const bridge = port('br0', { master: null, kind: 'bridge', bridge: {}, port: null });
  const fdb = [1, 2, 3].map((n) => entry(`52:54:00:00:00:0${n}`, `v${n}`));
  return stateWith([bridge, port('v1'), port('v2'), port('v3'), ...links], { fdb, ...over });
}

interface Probe {
  readonly class: string;
  readonly from: readonly string[];
  readonly to?: readonly string[];
  readonly rate?: number;
  readonly must_see?: readonly string[];
}
interface Asked {
  readonly endpoints: ReturnType<typeof wholeScenario>['scenario']['topology']['endpoints'];
  readonly notes: readonly string[];
  /** Probes from it and to it, by step. */
  readonly probes: readonly (readonly Probe[])[];
}

function asked(state: HostState, more: Partial<WholeInput> = {}, guests: readonly string[] = []): Asked {
  const { whole } = composed({ state, behind: [stranger], ...more }, { guests });
  const steps: readonly { readonly probe: readonly Probe[] }[] = JSON.parse(JSON.stringify(whole.scenario.steps));
  const isOfIt = ({ from, to = [] }: Probe): boolean => [...from, ...to].includes(named);
  return {
    endpoints: whole.scenario.topology.endpoints,
    notes: whole.notes,
    probes: steps.map(({ probe }) => probe.filter(isOfIt)),
  };
}

describe('what sends out of a bridge device', () => {
  it('is a guest behind it, asked both ways, though nothing hears what gets there', () => {
    const { endpoints, notes, probes } = asked(host());
    const written = { bridge: 'br0', attach: 'promiscuous', mac: stranger.mac, ip: '10.0.0.9/24' };
    expect(endpoints[named]).toEqual(written);
    expect(probes[0]).toEqual([
      expect.objectContaining({ class: 'known-unicast', from: ['v1', 'v2', 'v3'], to: [named], must_see: [] }),
      expect.objectContaining({ class: 'known-unicast', from: [named], to: ['v1', 'v2', 'v3'] }),
    ]);
    expect(notes).toContainEqual(expect.stringContaining('00:0c:29:00:00:01 sends out of br0 itself'));
  });

  it('is no guest where the host has the MAC, a port has it, or a device on the bridge', () => {
    const found = (state: HostState, more: Partial<WholeInput> = {}): number =>
      Object.keys(asked(state, more).endpoints).filter((name) => name.startsWith('behind')).length;
    const { fdb } = host();
    expect(found(host())).toBe(1);
    expect(found(host([port('br0.7', { mac: stranger.mac, master: null })]))).toBe(0);
    expect(found(host([], { fdb: [...fdb, entry(stranger.mac, 'v2')] }))).toBe(0);
    expect(found(host([], { fdb: [...fdb, { ...entry(stranger.mac, 'br0'), master: null }] }))).toBe(0);
    const device = { space: '/run/netns/x', name: 'mv0', ifindex: 9, kind: 'macvlan', lower: 1, master: null };
    const beside = { devices: [{ ...device, mac: stranger.mac, up: true }], bridges: [], routes: [], sysctl: {} };
    expect(found(host(), { beside })).toBe(0);
    // VRRP moves its MAC between machines
    expect(found(host(), { behind: [{ ...stranger, mac: '00:00:5e:00:01:07' }] })).toBe(0);
    expect(found(host(), { behind: [{ ...stranger, bridge: 'br1' }] })).toBe(0);
  });

  it('is called as its manager does, and left out where other guests are wanted', () => {
    const winxp = { manager: 'qemu', name: 'winxp', port: null, mac: stranger.mac, ips: [], zone: null } as const;
    const inventory = { guests: [{ ...winxp, firewall: null }], unread: [] };
    expect(Object.keys(asked(host(), { inventory }).endpoints)).toContain('winxp');
    expect(Object.keys(asked(host(), { inventory }, ['v1', 'v2']).endpoints)).not.toContain('winxp');
    expect(Object.keys(asked(host(), { inventory }, ['v1', 'winxp']).endpoints)).toContain('winxp');
  });

  it('is sent to slowly where that floods out of the machine, from the uplink as well', () => {
    const { fdb } = host();
    const { probes } = asked(host([port('nic', { kind: null })], { fdb: [...fdb, entry('00:11:22:33:44:55', 'nic')] }));
    expect(probes[1]).toEqual([expect.objectContaining({ to: [named], from: ['v1', 'v2', 'v3', 'nic'], rate: 50 })]);
  });

  it('is asked within the VLAN of the device alone', () => {
    const access = (ifname: string, vlan: number) => ({
      ifname,
      vlans: [{ vlan, flags: ['PVID', 'Egress Untagged'] }],
    });
    const vlan = [access('v1', 10), access('v2', 10), access('v3', 20), access('br0', 10)];
    const { probes } = asked(host([], { vlan }));
    expect(probes[0]?.map(({ from }) => from)).toEqual([['v1', 'v2'], [named]]);
  });
});

describe('a guest behind a bridge device that speaks in a step', () => {
  const reasons = (behind: readonly SenderBehind[], of = plan): readonly string[] =>
    strangerReasons(of, step, { before: hostState(), after: { ...hostState(), behind } }).map(
      ({ code, text }) => `${code}: ${text.split(',')[0] ?? ''}`,
    );

  it('leaves the step unproved where nothing was sent to it', () =>
    expect(reasons([stranger])).toEqual(['coverage-partial: 00:0c:29:00:00:01 sends out of br0 itself']));

  it('leaves nothing to doubt where the plan has it, where a port does, or where that is meant', () => {
    const [endpoint] = plan.endpoints;
    const mac = endpoint?.macs[0] ?? '';
    expect(reasons([{ bridge: 'br0', mac }])).toEqual([]);
    expect(reasons([{ ...stranger, bridge: 'br9' }])).toEqual([]);
    expect(reasons([stranger], { ...plan, partialScope: 'VMware has no interface here' })).toEqual([]);
    expect(strangerReasons(plan, step, { before: null, after: hostState() })).toEqual([]);
  });
});
