import { describe, expect, it } from 'vitest';
import type { Trusted } from '../../../../../src/core/model/scenario.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import { bypassesOf } from '../../../../support/judge/bypass-fixture.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { over, step } from '../../../../support/judge/unchanged-fixture.js';
import { there } from '../../../../support/there.js';

/** A host whose bridge is a port of a device of that kind. */
function hostWith(name: string, kind: string, bridge: Partial<LinkState> = {}): HostState {
  const state = over('br0', { master: name, promiscuity: 1, ...bridge })(hostState());
  const [, port] = state.links;
  const above = { ...there(port), name, kind, ifindex: 90, master: null, port: null };
  const tap = { ...there(port), name: 'tapX', kind: 'tun', ifindex: 91, master: name, port: null };
  return { ...state, programs: [], packetSockets: [], links: [...state.links, above, tap] };
}

const textsOf = (state: HostState, asked = step): readonly string[] =>
  bypassesOf(state, asked).reasons.map(({ code, text }) => `${code}: ${text}`);

describe('a bridge that is itself a port', () => {
  it('of an unlisted Open vSwitch may lose its frames to that, whose name the kernel may not know', () => {
    for (const name of ['ovs1', 'ovs-system'])
      expect(textsOf(hostWith(name, 'openvswitch'))).toEqual([
        `bypass-possible: openvswitch ${name} at br0 may carry frames past the ears: br0 is a port of it, and it hands frames on to its other ports; list that switch as a bridge too (ovs-vsctl port-to-br br0), take br0 out of it, or answer for it with trust`,
      ]);
  });

  it.each(['bond', 'team', 'hsr'])('of a device of the kind %s may lose them too', (kind) =>
    expect(textsOf(hostWith('up0', kind, { promiscuity: 0 }))).toEqual([
      `bypass-possible: ${kind} up0 at br0 may carry frames past the ears: br0 is a port of it, and it hands frames on by itself; take br0 out of it, or answer for it with trust`,
    ]),
  );

  it('of a VRF is as sound as one of none, and a VRF explains no promiscuous mode', () => {
    expect(textsOf(hostWith('blue', 'vrf', { promiscuity: 0 }))).toEqual([]);
    expect(textsOf(hostWith('blue', 'vrf'))).toEqual([
      expect.stringMatching(/^bypass-possible: promiscuous mode that nothing explains at br0 /),
    ]);
  });

  it('of an Open vSwitch of the step is covered by its ears', () => {
    const observers = [
      ...step.observers,
      { ...there(step.observers[0]), name: 'x', bridge: 'ovs1', interface: 'tapX' },
    ];
    expect(textsOf(hostWith('ovs1', 'openvswitch'), { ...step, observers })).toEqual([]);
  });

  it('is what somebody can answer for', () => {
    const trusted: Trusted = {
      what: 'openvswitch ovs1',
      where: 'br0',
      reason: 'ours',
      owner: null,
      ticket: null,
      until: null,
    };
    const asked = { ...step, expect: { ...step.expect, trust: [trusted] } };
    expect(bypassesOf(hostWith('ovs1', 'openvswitch'), asked)).toEqual({ reasons: [], trusted: [trusted] });
  });

  it('and ports of the bridge, which have a master too, are none of that', () =>
    expect(textsOf({ ...hostState(), programs: [], packetSockets: [] })).toEqual([]));
});
