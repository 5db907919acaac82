import { isRoutedTo, placeOf, sharesMac } from '../../model/attach.js';
import type { Carrier, Endpoint, Mac, ProbeEntry } from '../../model/scenario.js';
import { ipPair, macTowards, probedMacs, unicastCarriers } from '../addresses.js';
import { frameSpec } from '../frames/frame.js';
import { hostPort } from '../frames/parts.js';
import type { FlowDraft, ProbeClass } from '../probe-class.js';

/** By the host's routes, or by addresses on a lower device. */
function takesPackets(from: Endpoint, to: Endpoint | null): boolean {
  return isRoutedTo(from.attach) || sharesMac(from.attach) || (to !== null && sharesMac(to.attach));
}

const none: readonly Mac[] = [];

function hasOneMac(to: Endpoint, carrier: Carrier, { dstMac, rule }: ProbeEntry): boolean {
  return to.macs.length < 2 || rule !== undefined || carrier !== 'raw' || dstMac !== null;
}

/** Addresses behind a further MAC are unknown, so no packets go there. */
function furtherMacs(from: Endpoint, to: Endpoint, carrier: Carrier, entry: ProbeEntry): readonly Mac[] {
  return hasOneMac(to, carrier, entry) || takesPackets(from, to) ? none : probedMacs(to).slice(1);
}

function withHostPort(entry: ProbeEntry, { attach }: Endpoint, carrier: Carrier): ProbeEntry {
  const hasPorts = carrier.endsWith('-udp') || carrier.endsWith('-tcp');
  return placeOf(attach) === 'host' && hasPorts
    ? { ...entry, fields: { sourcePort: hostPort, ...entry.fields } }
    : entry;
}

/**
 * Frames to the MAC of an endpoint that announced itself: a bridge that has learned it uses one port (IEEE 802.1Q 8.8).
 * With routing, packets go to the host's MAC and on to the addressee; other frames are for no endpoint.
 */
export const knownUnicast: ProbeClass = {
  name: 'known-unicast',
  meaning: 'Frames to a MAC that announced itself: others that get them read along.',
  addressee: 'required',
  takesFields: true,
  maySee: 'addressee',
  severity: 'high',
  defaultCarriers: (from, to) =>
    unicastCarriers(from, to).filter((carrier) => carrier !== 'raw' || !takesPackets(from, to)),
  flows({ from, to, carrier, vlan }, { entry, bridgeMacs }) {
    if (to === null) return [];
    const addressees = isRoutedTo(from.attach) && carrier === 'raw' ? [] : [to.name];
    const { srcIp, dstIp } = ipPair(carrier, from, to);
    const flowTo = (dstMac: Mac | undefined): FlowDraft => ({
      from: from.name,
      to: to.name,
      sender: from.name,
      frame: frameSpec(
        { carrier, vlan, srcMac: from.macs[0], dstMac, srcIp, dstIp },
        withHostPort(entry, from, carrier),
      ),
      must: addressees,
      may: addressees,
      judged: true,
      ...(entry.rule === undefined ? {} : { variant: `asks ${entry.rule}` }),
    });
    const first = flowTo(macTowards(from, to, carrier, bridgeMacs));
    const further = furtherMacs(from, to, carrier, entry);
    if (further.length === 0) return [first];
    return [first, ...further.map((mac) => ({ ...flowTo(mac), variant: `to ${mac}` }))];
  },
  joins: { sender: ({ attach }) => !isRoutedTo(attach), addressee: hasOneMac },
};
