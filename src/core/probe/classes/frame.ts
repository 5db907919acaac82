import { sameSegment } from '../../model/host-names.js';
import type { Endpoint, Mac } from '../../model/scenario.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import { documentation, namesByRole } from '../addresses.js';
import { familyOfHex } from '../frames/forms/hex.js';
import { frameSpec } from '../frames/frame.js';
import type { ProbeClass, ProbeContext } from '../probe-class.js';

declare module '../../model/scenario.js' {
  interface ProbeClasses {
    readonly frame: true;
  }
}

/** The owner of the MAC, else those beyond the bridge. */
function receivers(from: Endpoint, dstMac: Mac, { endpoints, bridgeMacs }: ProbeContext): readonly string[] {
  if (isGroupMacText(dstMac)) return [];
  const segment = [...endpoints.values()].filter((endpoint) => sameSegment(endpoint, from));
  const owners = segment.filter(({ macs }) => macs.includes(dstMac)).map(({ name }) => name);
  if (owners.length > 0) return owners;
  const isBridge = bridgeMacs[from.bridge] === dstMac;
  return namesByRole(segment, from.bridge, isBridge ? ['host'] : ['uplink', 'host']);
}

/**
 * A scenario's own frames (`hex` or `pcap`), with addresses of sender and addressee in their places. The owner of the
 * MAC may see them, else uplink and host. For a group the scenario names the receivers.
 */
export const frame: ProbeClass = {
  name: 'frame',
  meaning: 'A frame that the scenario writes as hex text, or takes from a capture.',
  addressee: 'optional',
  maySee: 'addressee',
  severity: 'medium',
  defaultCarriers: () => ['raw'],
  flows({ from, to, carrier, vlan }, context) {
    const { entry } = context;
    const { form = 'hex:' } = entry;
    const family = familyOfHex(form);
    const [source, destination] = documentation[`ipv${family}`];
    const addressOf = (end: Endpoint | null, standIn: string): string =>
      end?.ips.find((ip) => ip.family === family)?.address ?? standIn;
    const spec = frameSpec(
      {
        carrier,
        vlan,
        srcMac: from.macs[0],
        dstMac: to?.macs[0],
        srcIp: form.includes('{src_ip}') ? addressOf(from, source) : null,
        dstIp: form.includes('{dst_ip}') ? addressOf(to, destination) : null,
        form,
      },
      entry,
    );
    const may = receivers(from, spec.dstMac, context);
    const must = may.filter((name) => name === to?.name);
    return [{ from: from.name, to: to?.name ?? null, sender: from.name, frame: spec, must, may, judged: true }];
  },
};
