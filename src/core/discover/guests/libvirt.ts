import type { GuestRecord } from '../../model/host-config.js';
import { VerifyError } from '../../model/verify-error.js';
import { type AskProgram, type GuestManager, idsIn, normalizeMac } from './guest-manager.js';
import { childOf, elementsNamed, readXml, type XmlElement } from './read-xml.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly libvirt: true;
  }
}

/** Domains by UUID: their names may be anything. */
export const libvirt: GuestManager = {
  what: 'libvirt',
  async queries(ask) {
    const uuids = idsIn(await ask(['virsh', '-r', '-q', 'list', '--uuid']), 'virsh list', /^[0-9a-f-]{36}$/);
    if (uuids.length === 0) return [];
    const about = { apart: await bridgesApart(ask) };
    return uuids.map((uuid) => ({ argv: ['virsh', '-r', '-q', 'dumpxml', uuid], about }));
  },
  guests: ({ text, about }) => libvirtGuests(text, about['apart']),
};

/** Isolated networks and those with NAT take no connection from another one (libvirt.org/formatnetwork.html). */
async function bridgesApart(ask: AskProgram): Promise<string> {
  try {
    const uuids = idsIn(await ask(['virsh', '-r', '-q', 'net-list', '--uuid']), 'virsh net-list', /^[0-9a-f-]{36}$/);
    const networks = await Promise.all(uuids.map((uuid) => ask(['virsh', '-r', '-q', 'net-dumpxml', uuid])));
    return networks.flatMap((xml) => bridgeApart(xml) ?? []).join(' ');
  } catch (error) {
    if (error instanceof VerifyError) return '';
    throw error;
  }
}

function networkOf(xml: string): XmlElement | null {
  try {
    return readXml(xml);
  } catch {
    return null;
  }
}

/** null = none, or the text is no network. */
function bridgeApart(xml: string): string | null {
  const network = networkOf(xml);
  if (network === null) return null;
  const forward = childOf(network, 'forward');
  const isApart = forward === undefined || (forward.attributes['mode'] ?? 'nat') === 'nat';
  return isApart ? (childOf(network, 'bridge')?.attributes['name'] ?? null) : null;
}

interface Domain {
  readonly domain: XmlElement;
  readonly name: string;
  readonly interfaces: readonly { readonly device: XmlElement; readonly mac: string | null }[];
}

/** `virsh dumpxml` of a domain. Throws Error if the text is no domain. */
export function readDomain(xml: string): Domain {
  const domain = readXml(xml);
  const name = childOf(domain, 'name')?.text ?? '';
  if (domain.name !== 'domain' || name === '') throw new Error('line 1: no <domain> with a <name>');
  const devices = childOf(domain, 'devices')?.children ?? [];
  const interfaces = devices
    .filter((device) => device.name === 'interface')
    .map((device) => ({ device, mac: normalizeMac(childOf(device, 'mac')?.attributes['address']) }));
  return { domain, name, interfaces };
}

/**
 * Interfaces of a running domain, from `virsh -r dumpxml` (libvirt.org/formatdomain.html, "Network interfaces"), by
 * OpenStack's name if it has one (nova:name, nova:project in <metadata>). The zone is that project, else the
 * interface's own <vlan>, else its port group. `apart`: bridges that libvirt keeps apart. Throws Error if the text is
 * no domain.
 */
export function libvirtGuests(xml: string, apart = ''): readonly GuestRecord[] {
  const { domain, name: domainName, interfaces } = readDomain(xml);
  const metadata = childOf(domain, 'metadata');
  const nova = metadata === undefined ? undefined : [...elementsNamed(metadata, 'instance')][0];
  const name = (nova === undefined ? undefined : [...elementsNamed(nova, 'name')][0]?.text) || domainName;
  const project = nova === undefined ? undefined : [...elementsNamed(nova, 'project')][0];
  const id = childOf(domain, 'uuid')?.text;
  return interfaces.map(
    ({ device, mac }): GuestRecord => ({
      manager: 'libvirt',
      name,
      ...(id === undefined ? {} : { id }),
      port: childOf(device, 'target')?.attributes['dev'] ?? null,
      mac,
      ips: device.children.filter((child) => child.name === 'ip').flatMap((ip) => ip.attributes['address'] ?? []),
      zone: zoneOf(project, device),
      ...(apart.split(' ').includes(childOf(device, 'source')?.attributes['bridge'] ?? '-') ? { isApart: true } : {}),
    }),
  );
}

function zoneOf(project: XmlElement | undefined, device: XmlElement): GuestRecord['zone'] {
  if (project !== undefined && project.text !== '') return { name: project.text, from: 'OpenStack project' };
  const vlan = childOf(device, 'vlan');
  const tags =
    vlan === undefined || vlan.attributes['trunk'] === 'yes'
      ? []
      : vlan.children.filter((child) => child.name === 'tag');
  const [tag] = tags;
  if (tag?.attributes['id'] !== undefined && tags.length === 1)
    return { name: `vlan${tag.attributes['id']}`, from: 'VLAN' };
  const group = childOf(device, 'source')?.attributes['portgroup'];
  return group === undefined ? null : { name: group, from: 'port group' };
}
