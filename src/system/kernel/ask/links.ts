import { netlinkAttributes, netlinkText } from '../netlink-socket.js';
import type { NetlinkAsker } from './netlink-dump.js';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_GETNSID = 90;
const IFF_UP = 0x1;
/** struct ifinfomsg behind struct nlmsghdr: family, pad, type, index, flags, change. */
const at = { ifindex: 20, flags: 24, attributes: 32 } as const;
const linkMessage = 16;
/** IFLA_… of linux/if_link.h; within _LINKINFO IFLA_INFO_KIND and _DATA, within the latter of a macvlan or ipvlan its mode. */
const attribute = {
  address: 1,
  name: 3,
  link: 5,
  master: 10,
  queue: 13,
  info: 18,
  linkSpace: 37,
  kind: 1,
  data: 2,
  mode: 1,
} as const;
/** enum macvlan_mode and enum ipvlan_mode of linux/if_link.h, by the names of ip-link(8). */
const macvlanModes: ReadonlyMap<number, string> = new Map([
  [1, 'private'],
  [2, 'vepa'],
  [4, 'bridge'],
  [8, 'passthru'],
  [16, 'source'],
]);
const ipvlanModes: ReadonlyMap<number, string> = new Map([
  [0, 'l2'],
  [1, 'l3'],
  [2, 'l3s'],
]);
/** struct rtgenmsg, padded, and NETNSA_FD and NETNSA_NSID of linux/net_namespace.h. */
const spaceMessage = 4;
const ofSpace = { id: 1, fd: 3 } as const;

/** A link as the kernel reports it in its own namespace. */
export interface KernelLink {
  readonly name: string;
  readonly ifindex: number;
  readonly kind: string;
  /** Of a macvlan, macvtap or ipvlan: `bridge`, `private`, `l2`, …; null where it is none. */
  readonly mode: string | null;
  readonly mac: string;
  readonly up: boolean;
  readonly master: number | null;
  /** Number of what it stands on, or of a veth's other end; null = none. */
  readonly link: number | null;
  /** Number that its namespace has for the one in which `link` is; null = it is in the same. */
  readonly linkSpace: number | null;
  /** txqueuelen; null = not reported. */
  readonly queue: number | null;
}

/** All links of the namespace in which the asker was opened; null = they could not be read. */
export function linksOf(asker: NetlinkAsker): readonly KernelLink[] | null {
  const answers = asker.ask(RTM_GETLINK, new Uint8Array(linkMessage), 'dump');
  return answers === null ? null : answers.filter(({ type }) => type === RTM_NEWLINK).map(({ bytes }) => linkIn(bytes));
}

function linkIn(bytes: Buffer): KernelLink {
  const attributes = netlinkAttributes(bytes.subarray(at.attributes));
  const number = (key: number): number | null => attributes.get(key)?.readInt32LE(0) ?? null;
  const info = netlinkAttributes(attributes.get(attribute.info) ?? Buffer.alloc(0));
  const kind = info.get(attribute.kind);
  const name = attributes.get(attribute.name);
  return {
    name: name === undefined ? '' : netlinkText(name),
    ifindex: bytes.readInt32LE(at.ifindex),
    kind: kind === undefined ? '' : netlinkText(kind),
    mode: kind === undefined ? null : modeOf(netlinkText(kind), info.get(attribute.data)),
    mac:
      attributes
        .get(attribute.address)
        ?.toString('hex')
        .replaceAll(/(..)(?=.)/g, '$1:') ?? '',
    up: (bytes.readUInt32LE(at.flags) & IFF_UP) !== 0,
    master: number(attribute.master),
    link: number(attribute.link),
    linkSpace: number(attribute.linkSpace),
    queue: number(attribute.queue),
  };
}

/** How a macvlan or ipvlan hands frames over; their attribute has four bytes and two. */
function modeOf(kind: string, data: Buffer | undefined): string | null {
  const mode = data === undefined ? undefined : netlinkAttributes(data).get(attribute.mode);
  if (mode === undefined) return null;
  if (kind === 'macvlan' || kind === 'macvtap') return macvlanModes.get(mode.readUInt32LE(0)) ?? null;
  return kind === 'ipvlan' || kind === 'ipvtap' ? (ipvlanModes.get(mode.readUInt16LE(0)) ?? null) : null;
}

/** The number that the asker's namespace has for the one that is open as `fd`; null = none: it has no link there. */
export function spaceNumber(asker: NetlinkAsker, fd: number): number | null {
  const body = new Uint8Array(spaceMessage + 8);
  const view = new DataView(body.buffer);
  view.setUint16(spaceMessage, 8, true);
  view.setUint16(spaceMessage + 2, ofSpace.fd, true);
  view.setInt32(spaceMessage + 4, fd, true);
  const [answer] = asker.ask(RTM_GETNSID, body, 'one') ?? [];
  const number = answer === undefined ? undefined : netlinkAttributes(answer.bytes.subarray(20)).get(ofSpace.id);
  const found = number?.readInt32LE(0) ?? -1;
  return found < 0 ? null : found;
}
