import { existsSync } from 'node:fs';
import { containerGuests } from '../inventory/container-guests.js';
import { incusGuests } from '../inventory/incus-guests.js';
import { libvirtGuests } from '../inventory/libvirt-guests.js';
import { namespaceGuests } from '../inventory/namespace-guests.js';
import { proxmoxGuests, proxmoxOwner, proxmoxSurroundings } from '../inventory/proxmox-guests.js';
import { withSandboxPort } from '../inventory/sandbox-port.js';
import type { GuestRecord, Inventory } from '../model/guest-record.js';
import type { LinkState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { mustRun, readJson } from '../sys/programs.js';

/** A daemon that does not answer is not waited for. */
const timeoutMs = 10_000;
/** Containers that are looked at with one command. */
const mostTogether = 100;

interface Reader {
  readonly what: string;
  /** Asked only where one of these files is: elsewhere the program would install, start or set up something. */
  readonly where?: readonly string[];
  readonly read: () => Promise<readonly GuestRecord[]>;
}

/**
 * What the programs that manage guests on this host say about them; read only. A program that is not installed says nothing, one that fails is
 * named in `unread`. `links`: those of the namespace of the bridges.
 */
export async function readInventory(links: readonly LinkState[], netns: string | null): Promise<Inventory> {
  const unread: { what: string; why: string }[] = [];
  const instances = (program: string): Promise<unknown> => readJson([program, 'list', '--all-projects', '--format', 'json'], { timeoutMs });
  const readers: readonly Reader[] = [
    { what: 'Proxmox VE', read: () => proxmox(links) },
    { what: 'libvirt', read: () => libvirt(unread) },
    { what: 'Incus', read: async () => incusGuests('incus', await instances('incus')) },
    { what: 'LXD', where: ['/var/lib/lxd/unix.socket', '/var/snap/lxd/common/lxd/unix.socket'], read: async () => incusGuests('lxd', await instances('lxc')) },
    { what: 'Docker', read: () => containers('docker', links) },
    { what: 'Podman', where: ['/var/lib/containers/storage'], read: () => containers('podman', links) },
    { what: 'ip netns', read: async () => namespaceGuests(await readJson(['ip', '-j', 'netns', 'list'], { netns }), await readJson(['ip', '-j', '-d', 'link', 'show'], { netns })) },
  ];
  const guests = await Promise.all(readers.map(async ({ what, where, read }) => {
    if (where?.some(existsSync) === false) return [];
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      if (error.code !== 'program-missing') unread.push({ what, why: error.message });
      return [];
    }
  }));
  return { guests: guests.flat(), unread };
}

/** Domains by UUID: their names may be anything. One that cannot be read does not hide the others. */
async function libvirt(unread: { what: string; why: string }[]): Promise<readonly GuestRecord[]> {
  const uuids = (await mustRun(['virsh', '-r', '-q', 'list', '--uuid'], { timeoutMs })).split('\n').map((line) => line.trim()).filter((line) => /^[0-9a-f-]{36}$/.test(line));
  const guests = await Promise.all(uuids.map(async (uuid) => {
    try {
      return libvirtGuests(await mustRun(['virsh', '-r', '-q', 'dumpxml', uuid], { timeoutMs }));
    } catch (error) {
      unread.push({ what: `libvirt's domain ${uuid}`, why: error instanceof Error ? error.message : String(error) });
      return [];
    }
  }));
  return guests.flat();
}

/** Its guests by number, as their interfaces name them: no others can be on a bridge. */
async function proxmox(links: readonly LinkState[]): Promise<readonly GuestRecord[]> {
  const owners = new Map(links.flatMap(({ name }) => {
    const owner = proxmoxOwner(name);
    return owner === null ? [] : [[owner.id, owner] as const];
  }));
  if (owners.size === 0) return [];
  const ask = (path: string, ...words: readonly string[]): Promise<unknown> => readJson(['pvesh', 'get', path, ...words, '--output-format', 'json'], { timeoutMs }).catch((error: unknown) => {
    if (!(error instanceof VerifyError)) throw error;
    return null; // software-defined networking may be off; names do not depend on it
  });
  const around = proxmoxSurroundings(await ask('/cluster/resources', '--type', 'vm'), await ask('/cluster/sdn/vnets'));
  const guests = await Promise.all([...owners.values()].map(async ({ id, program }) => proxmoxGuests(id, program, await mustRun([program, 'config', String(id)], { timeoutMs }), around)));
  return guests.flat();
}

async function containers(program: 'docker' | 'podman', links: readonly LinkState[]): Promise<readonly GuestRecord[]> {
  const ids = (await mustRun([program, 'ps', '--quiet', '--no-trunc'], { timeoutMs })).split('\n').filter((line) => /^[0-9a-f]{12,64}$/.test(line));
  const guests: GuestRecord[] = [];
  for (let at = 0; at < ids.length; at += mostTogether) guests.push(...containerGuests(program, await readJson([program, 'inspect', ...ids.slice(at, at + mostTogether)], { timeoutMs })));
  const inside = new Map<string, unknown>();
  for (const netns of new Set(guests.flatMap((guest) => guest.netns ?? []))) inside.set(netns, await linksIn(netns));
  return guests.map((guest) => (guest.netns === undefined ? guest : withSandboxPort(guest, inside.get(guest.netns), links)));
}

/** Links of a container's namespace; none where it has just ended, or may not be entered: then MACs have to do. */
async function linksIn(netns: string): Promise<unknown> {
  try {
    return await readJson(['ip', '-j', 'link', 'show'], { netns, timeoutMs });
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return [];
  }
}
