import { parseIp } from '../text/ip-address.js';
import { objectsOf, textOf } from '../text/json-text.js';
import type { Neighbour } from './host-topology.js';

interface Lease {
  readonly mac: string | null;
  readonly address: string | null;
  /** End of the lease in seconds since 1970; 0 = it has none. */
  readonly endS: number;
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** Of dnsmasq: `END MAC ADDRESS NAME CLIENT-ID`. */
function leaseOfDnsmasq(line: string): Lease {
  const [end = '', mac = null, address = null] = line.split(' ');
  return { mac, address, endS: Number(end) };
}

/** Of Kea (memfile): `ADDRESS,MAC,CLIENT-ID,LIFETIME,END,SUBNET,…,STATE,…`, a later line for an address counts. */
function leaseOfKea(line: string): Lease {
  const [address = null, mac = null, , , end = ''] = line.split(',');
  return { mac, address, endS: Number(end) };
}

/** Of libvirt's leaseshelper: an array of objects. */
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

/** Of ISC dhcpd (dhcpd.leases(5)): blocks, times in UTC. */
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
 * The addresses that the file of a DHCP server's leases gives to MACs at `nowS`, seconds since 1970; of several for one
 * address the last. Names of clients, which guests choose, are not read. Total over arbitrary text.
 */
export function parseLeases(text: string, nowS: number): readonly Neighbour[] {
  const macs = new Map<string, string>();
  for (const { mac, address, endS } of leasesIn(text)) {
    if (mac === null || address === null || !macPattern.test(mac) || parseIp(address) === null) continue;
    macs.delete(address);
    if (endS === 0 || endS > nowS) macs.set(address, mac.toLowerCase());
  }
  return [...macs].map(([address, mac]) => ({ mac, address }));
}
