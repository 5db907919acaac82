import { sameSegment } from '../../model/host-names.js';
import type { FrameForm } from '../../model/plan.js';
import type { Endpoint, ProbeEntry, VlanRange } from '../../model/scenario.js';
import { broadcastMac, ipPair, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'vlan-hop': true;
  }
}

/** The default VLAN of new ports (vlan_default_pvid), and one to hop to. */
const usualVlan = 1;
const foreignVlan = 10;

function rangesOf(endpoint: Endpoint): readonly VlanRange[] {
  return endpoint.vlans.length > 0
    ? endpoint.vlans
    : [{ first: usualVlan, last: usualVlan, pvid: true, untagged: true }];
}

function shareVlan(first: Endpoint, second: Endpoint): boolean {
  return rangesOf(first).some((a) => rangesOf(second).some((b) => a.first <= b.last && b.first <= a.last));
}

function nativeOf(endpoint: Endpoint): number {
  return rangesOf(endpoint).find((range) => range.pvid)?.first ?? usualVlan;
}

/** A VLAN of the addressee, else of any endpoint on the bridge, without the sender. */
function targetOf(from: Endpoint, to: Endpoint | null, endpoints: Iterable<Endpoint>): number {
  const ranges = rangesOf(from);
  const foreign = (vid: number): boolean => !ranges.some((range) => range.first <= vid && vid <= range.last);
  const others = [...(to === null ? [] : [to]), ...endpoints].filter(
    (endpoint) => sameSegment(endpoint, from) && endpoint.name !== from.name,
  );
  return (
    others
      .flatMap(rangesOf)
      .map((range) => range.first)
      .find(foreign) ?? (foreign(foreignVlan) ? foreignVlan : foreignVlan + 1)
  );
}

interface Hop {
  readonly variant: string;
  readonly vlan: readonly number[];
  readonly form?: FrameForm;
}

/** The scenario's tags, stacks of several also within a service tag; by default the known ways to hop. */
function hops(entry: ProbeEntry, vlan: readonly number[], native: number, target: number): readonly Hop[] {
  if (vlan.length > 0) {
    const plain: Hop = { variant: 'given', vlan };
    return vlan.length > 1 ? [plain, { variant: '802.1ad', vlan, form: '802.1ad' }] : [plain];
  }
  if (entry.vlanStacks.length > 1) return [{ variant: 'untagged', vlan }];
  return [
    { variant: 'tag', vlan: [target] },
    { variant: 'priority-tag', vlan: [0] },
    { variant: 'native-and-tag', vlan: [native, target] },
    { variant: '802.1ad', vlan: [native, target], form: '802.1ad' },
    { variant: 'llc-snap', vlan: [], form: 'llc-snap' },
    { variant: 'priority-tag-llc-snap', vlan: [0], form: 'llc-snap' },
  ];
}

/** Frames meant to come out in another VLAN: by a tag, two tags, VLAN 0, or an envelope that filters do not parse. */
export const vlanHop: ProbeClass = {
  name: 'vlan-hop',
  meaning: 'Frames with tags of a VLAN that the guest does not belong to.',
  attack: 'frames with tags of other VLANs',
  addressee: 'optional',
  maySee: 'unforeseeable',
  severity: 'high',
  defaultCarriers: unicastCarriers,
  flows({ from, to, carrier, vlan }, { entry, endpoints }) {
    const others = [...endpoints.values()].filter((endpoint) => sameSegment(endpoint, from));
    // A trunk carries the VLANs of others on purpose; so does what leads out of the bridge.
    const may = others
      .filter((endpoint) => endpoint.role !== 'guest' || shareVlan(from, endpoint))
      .map((endpoint) => endpoint.name);
    return hops(entry, vlan, nativeOf(from), targetOf(from, to, others)).map(({ variant, vlan: tags, form }) => {
      const frame = frameSpec(
        {
          carrier,
          vlan: tags,
          srcMac: from.macs[0],
          dstMac: to === null ? broadcastMac : to.macs[0],
          ...ipPair(carrier, from, to),
          ...(form === undefined ? {} : { form }),
        },
        entry,
      );
      return { from: from.name, to: to?.name ?? null, sender: from.name, frame, must: [], may, judged: true, variant };
    });
  },
};
