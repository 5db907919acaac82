import { placeOf } from '../../model/attach.js';
import type { Endpoint, ProbeEntry } from '../../model/scenario.js';
import { documentation, linkLocalAddress, namesByRole } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import { groupMac } from '../groups.js';
import type { FlowDraft, ProbeClass } from '../probe-class.js';
import { restoreOwner, restoreOwnerWith } from '../restore-owner.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly 'ra-spoof': true;
  }
}

const allNodes = 'ff02::1';

/** The owner overrides in turn (RFC 4861 7.2.6), so that neighbours return. */
function readvertising(owner: Endpoint, vlan: readonly number[], entry: ProbeEntry): readonly FlowDraft[] {
  const [srcMac] = owner.macs;
  const srcIp = owner.ips.find((ip) => ip.family === 6)?.address;
  if (srcMac === undefined || srcIp === undefined || placeOf(owner.attach) === 'host') return [];
  const bareEntry = { ...entry, srcMac: null, dstMac: null, srcIp: null, dstIp: null, size: null };
  return restoreOwnerWith(owner, vlan, (stack) =>
    frameSpec(
      {
        carrier: 'ipv6-icmp',
        vlan: stack,
        srcMac,
        dstMac: groupMac(allNodes),
        srcIp,
        dstIp: allNodes,
        form: 'neighbour-advertisement',
      },
      bareEntry,
    ),
  );
}

/**
 * ICMPv6 that claims a router or another guest: a router advertisement (with lifetime 0, so that no guest takes it; RFC
 * 6105 filters stop it all the same), and a neighbour advertisement that overrides the address of `to`.
 */
export const raSpoof: ProbeClass = {
  name: 'ra-spoof',
  meaning: 'Router and neighbour advertisements of IPv6 from a guest.',
  attack: 'forged router and neighbour advertisements',
  addressee: 'optional',
  maySee: 'uplink-and-host',
  severity: 'high',
  provokes: [],
  defaultCarriers: () => ['ipv6-icmp'],
  flows({ from, to, carrier, vlan }, { entry, endpoints }) {
    const may = namesByRole(endpoints.values(), from.bridge, ['uplink', 'host']);
    const victim = to?.ips.find((ip) => ip.family === 6)?.address ?? documentation.ipv6[1];
    const kinds = [
      ['router-advertisement', linkLocalAddress(from.macs[0])],
      ['neighbour-advertisement', victim],
    ] as const;
    const forged = kinds.map(([form, srcIp]): FlowDraft => {
      const frame = frameSpec(
        { carrier, vlan, srcMac: from.macs[0], dstMac: groupMac(allNodes), srcIp, dstIp: allNodes, form },
        entry,
      );
      return {
        from: from.name,
        to: to?.name ?? null,
        sender: from.name,
        frame,
        must: [],
        may,
        judged: true,
        variant: form,
      };
    });
    return [...forged, ...(to === null ? [] : [...readvertising(to, vlan, entry), ...restoreOwner(to, entry, vlan)])];
  },
};
