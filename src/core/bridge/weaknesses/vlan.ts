import { portVlans } from '../host.js';
import type { Change } from '../../model/fabric.js';
import { sameSegment } from '../../model/host-names.js';
import type { Endpoint } from '../../model/scenario.js';
import type { LinkState } from '../../model/state.js';
import { execute, setBridge } from '../changes.js';
import { isOff, isOn } from '../setting-value.js';
import { isSettingOn, readFrom } from '../view.js';
import {
  type Audited,
  type BridgeRule,
  type CauseFinder,
  type Explained,
  type LeakContext,
  verb,
} from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'vlan-shared': 'cause';
    readonly 'vlan-unfiltered': 'cause' | 'finding';
    readonly 'vni-shared': 'cause';
  }
}

/** Tag 0 is a priority tag, so the port's VLAN counts. */
function enteredIn({ finding, fromPort, flow, before }: LeakContext): number | null {
  const tag = flow?.frame.form === '802.1ad' ? undefined : finding.vlan[0];
  if (tag !== undefined && tag !== 0) return tag;
  return fromPort === null ? null : (portVlans(before, fromPort.name)?.native ?? null);
}

/** null = the author lists no VLANs. */
function belongsIn(endpoint: Endpoint | null, vid: number): boolean | null {
  const { vlans = [] } = endpoint ?? {};
  return vlans.length === 0 ? null : vlans.some(({ first, last }) => first <= vid && vid <= last);
}

/** The port that is wrongly in the VLAN; null = the file does not separate the two. */
function strayOf({ finding, from, listener }: LeakContext, vid: number): 'sender' | 'observer' | null {
  const [sends, hears] = [belongsIn(from, vid), belongsIn(listener, vid)];
  if (hears !== false && sends === false) return 'sender';
  // of a port that is not listed the scenario says nothing
  const zonesDiffer = (from?.zone ?? null) !== (listener?.zone ?? null);
  return hears === false || zonesDiffer || finding.class === 'vlan-hop' ? 'observer' : null;
}

const findVlanShared: CauseFinder = (leak) => {
  const { bridge, port, fromPort, before } = leak;
  if (port === null || fromPort === null || !isOn(bridge.bridge?.['vlan_filtering'])) return null;
  const vid = enteredIn(leak);
  if (vid === null || portVlans(before, port.name)?.members.has(vid) !== true) return null;
  const strays = strayOf(leak, vid);
  if (strays === null) return null;
  const wrong = strays === 'sender' ? fromPort.name : port.name;
  const usual =
    Number(bridge.bridge?.['vlan_default_pvid']) === vid ? ', which the kernel gives to every new port' : '';
  return {
    place: `${wrong}.vlan ${vid}`,
    value: 'member',
    text: `frames of ${fromPort.name} enter in VLAN ${vid}${usual}, and ${port.name} is in it`,
    fix: {
      changes: [
        {
          kind: 'vlan',
          act: 'del',
          self: false,
          entry: { port: wrong, first: vid, last: vid, pvid: false, untagged: false },
        },
      ],
    },
  };
};

export const vlanShared: Explained = {
  meaning:
    'Guests of different zones share a VLAN, or a port carries one that its guest should not have; port and VLAN are named.',
  cause: {
    phrase: (parts) => `${parts.devices} ${verb(parts, 'is', 'are')} in a VLAN of another zone (${parts.place})`,
    cost: { price: 'share', text: 'the port leaves that VLAN, with all that it has there' },
    find: findVlanShared,
    forwards: 'setting',
  },
};

function filterVlans(bridge: string): readonly Change[] {
  return [setBridge(bridge, 'vlan_filtering', true)];
}

const findVlanUnfiltered: CauseFinder = ({ finding, bridge }) => {
  if (finding.class !== 'vlan-hop' && finding.vlan.length === 0) return null;
  if (!isOff(bridge.bridge?.['vlan_filtering'])) return null;
  return {
    place: `${bridge.name}.vlan_filtering`,
    value: '0',
    text: `${bridge.name} does not filter VLANs: tags mean nothing to it`,
    fix: { changes: filterVlans(bridge.name) },
  };
};

/** Without filtering tags are payload; with it a new port gets the default VLAN. */
const vlanUnfilteredRule: BridgeRule = ({ name, settings, guests }) => {
  if (guests.length < 2) return [];
  const filtering = isSettingOn(settings, 'vlan_filtering');
  if (filtering === false) {
    return [
      {
        severity: 'low',
        place: `${name}.vlan_filtering`,
        value: '0',
        readFrom: readFrom.link,
        text: 'tags are ignored: tagged and double-tagged frames pass between all ports',
        probe: 'vlan-hop',
        fix: {
          where: 'if VLANs are to separate guests',
          changes: filterVlans(name),
          also: ', and VLANs for each port',
        },
      },
    ];
  }
  const pvid = settings['vlan_default_pvid'];
  return filtering === null || pvid === 0 || pvid === undefined
    ? []
    : [
        {
          severity: 'low',
          place: `${name}.vlan_default_pvid`,
          value: String(pvid),
          readFrom: readFrom.link,
          text: `every port that joins the bridge is in VLAN ${String(pvid)} at once`,
          probe: 'vlan-hop',
          fix: { changes: [setBridge(name, 'vlan_default_pvid', 0)] },
        },
      ];
};

export const vlanUnfiltered: Explained & Audited = {
  meaning: 'VLAN filtering is off: every frame passes everywhere, whatever its tags.',
  cause: {
    phrase: (parts) => `${parts.devices} ${verb(parts, 'ignores', 'ignore')} VLAN tags (vlan_filtering 0)`,
    cost: { price: 'share', text: 'every port needs its VLANs, and one that is forgotten is cut off' },
    find: findVlanUnfiltered,
    forwards: 'setting',
    isOfBridge: true,
  },
  finding: { onBridge: vlanUnfilteredRule },
};

/** Tunnels of one VXLAN identifier are one overlay (RFC 7348 4). */
const findVniShared: CauseFinder = ({ before, from, bridge }) => {
  if (from === null || sameSegment(from, { bridge: bridge.name })) return null;
  const tunnels = before.links.filter(({ vni }) => vni !== undefined);
  const ofSender = (vni: number | undefined): LinkState | undefined =>
    tunnels.find((tunnel) => tunnel.master === from.bridge && tunnel.vni === vni);
  const sameVni = tunnels.find(({ master, vni }) => master === bridge.name && ofSender(vni) !== undefined);
  if (sameVni === undefined) return null;
  const theirs = ofSender(sameVni.vni)?.name ?? '';
  return {
    place: `${sameVni.name}.vni`,
    value: String(sameVni.vni ?? ''),
    text: `${sameVni.name} of ${bridge.name} has the VXLAN network identifier of ${theirs}, which belongs to ${from.bridge}: frames of one network come out in the other`,
    fix: { changes: [execute('ip', 'link', 'set', 'dev', sameVni.name, 'nomaster')] },
  };
};

export const vniShared: Explained = {
  meaning:
    'Tunnels of different networks have one VXLAN network identifier: frames that flood on one come out on the other. The message names the bridges.',
  cause: {
    phrase: (parts) => `${parts.devices} ${verb(parts, 'has', 'have')} the VXLAN identifier of another network`,
    cost: { price: 'apart', text: 'the two networks are apart again; traffic between them stops' },
    find: findVniShared,
  },
};
