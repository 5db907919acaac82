import { parseIp } from '../text/ip-address.js';
import { objectsOf, textOf } from '../text/json-text.js';
import type { Neighbour } from './host-topology.js';

interface Lease {
  readonly mac: string | null;
  readonly address: string | null;
  /** In seconds since 1970; 0 = none. */
  readonly endS: number;
}

interface Current {
  readonly mac: string;
  readonly address: string;
  readonly family: number;
  readonly untilS: number;
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** `END MAC ADDRESS NAME CLIENT-ID`. */
function leaseOfDnsmasq(line: string): Lease {
  const [end = '', mac = null, address = null] = line.split(' ');
  return { mac, address, endS: Number(end) };
}

/** Kea's memfile: `ADDRESS,MAC,CLIENT-ID,LIFETIME,END,SUBNET,…,STATE,…`, the last line for an address counts. */
function leaseOfKea(line: string): Lease {
  const [address = null, mac = null, , , end = ''] = line.split(',');
  return { mac, address, endS: Number(end) };
}

/** libvirt's leaseshelper: an array of objects. */
function leasesOfLibvirt(text: string): readonly Lease[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  return objectsOf(list).map((lease) => ({
    mac: textOf(lease['mac-address']),
    address: textOf(lease['ip-address']),
    endS: Number(lease['expiry-time']),
  }));
}

/** ISC dhcpd (dhcpd.leases(5)): blocks, times in UTC. */
function leasesOfDhcpd(text: string): readonly Lease[] {
  return [...text.matchAll(/^lease (\S+) \{\n([^}]*)\}/gm)].map(([, address = '', block = '']) => {
    const [, mac = null] = /^ *hardware ethernet (\S+);$/m.exec(block) ?? [];
    const [, day, time] = /^ *ends \d (\d{4}\/\d\d\/\d\d) (\d\d:\d\d:\d\d);$/m.exec(block) ?? [];
    const isFree = /^ *binding state (?!active;)/m.test(block);
    const endS =
      day === undefined || time === undefined ? 0 : Date.parse(`${day.replaceAll('/', '-')}T${time}Z`) / 1000;
    return { mac: isFree ? null : mac, address, endS };
  });
}

function leasesIn(text: string): readonly Lease[] {
  if (text.startsWith('[')) return leasesOfLibvirt(text);
  if (/^lease \S+ \{$/m.test(text)) return leasesOfDhcpd(text);
  return text.split('\n').map(text.startsWith('address,') ? leaseOfKea : leaseOfDnsmasq);
}

/**
 * Addresses by MAC in a DHCP server's leases at `nowS`, seconds since 1970: the longest lease of each family, the last
 * of several MACs. Clients' names, which guests choose, are not read. Total over arbitrary text.
 */
export function parseLeases(text: string, nowS: number): readonly Neighbour[] {
  const byAddress = new Map<string, Current>();
  for (const { mac, address, endS } of leasesIn(text)) {
    const ip = address === null ? null : parseIp(address);
    if (mac === null || address === null || !macPattern.test(mac) || ip === null) continue;
    byAddress.delete(address);
    const untilS = endS === 0 ? Infinity : endS;
    if (untilS > nowS) byAddress.set(address, { mac: mac.toLowerCase(), address, family: ip.family, untilS });
  }
  const longest = new Map<string, Current>();
  for (const lease of byAddress.values()) {
    const key = `${lease.mac} ${lease.family}`;
    if (lease.untilS >= (longest.get(key)?.untilS ?? 0)) longest.set(key, lease);
  }
  return [...longest.values()].map(({ mac, address }) => ({ mac, address, isLeased: true }));
}
