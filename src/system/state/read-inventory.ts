import { existsSync } from 'node:fs';
import { withSandboxPort } from '../../core/discover/guests/containers.js';
import { proxmoxOwner } from '../../core/discover/guests/proxmox.js';
import { portsOfSandbox } from '../../core/discover/guests/sandbox.js';
import type { GuestRecord, Inventory } from '../../core/model/host-config.js';
import type { LinkState } from '../../core/model/state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { mustRun, type ProgramOptions, readJson, showCommand } from '../process/programs.js';
import { type GuestParser, guestParser } from './ask-guests.js';
import type { Printed } from './parse-guests.js';
import { containerdRecords, criRecords, monitorRecords, nspawnRecords } from './read-sandboxes.js';

/** A daemon that does not answer is not waited for. */
const timeoutMs = 10_000;
/** What describes ten thousand guests is a tenth of it. */
const maxOutput = 64 * 2 ** 20;
const bounds = { timeoutMs, maxOutput };
/**
 * Programs that look at one guest each run this many side by side: qm is a second of Perl, and libvirtd takes twenty
 * clients who may only read.
 */
const sideBySide = 4;
const containerd = ['/run/containerd/containerd.sock'];
/** Containers that are looked at with one command. */
const maxTogether = 100;

interface Reader {
  readonly what: string;
  /** Asked only where one of these files is: elsewhere the program would install, start or set up something. */
  readonly where?: readonly string[];
  readonly read: () => Promise<readonly GuestRecord[]>;
}

/**
 * What the programs that manage guests on this host say about them; read only. A program that is not installed says
 * nothing, one that fails is named in `unread`. `links`: those of the namespace of the bridges.
 */
export async function readInventory(links: readonly LinkState[], netns: string | null): Promise<Inventory> {
  const unread: { what: string; why: string }[] = [];
  const parser = guestParser();
  const instances = (program: string): Promise<Printed> =>
    printed([program, 'list', '--all-projects', '--format', 'json']);
  const readers: readonly Reader[] = [
    { what: 'Proxmox VE', read: () => proxmox(links, parser) },
    { what: 'libvirt', read: () => libvirt(unread, parser) },
    { what: 'Incus', read: async () => parser.ask({ manager: 'incus', instances: await instances('incus') }) },
    {
      what: 'LXD',
      where: ['/var/lib/lxd/unix.socket', '/var/snap/lxd/common/lxd/unix.socket'],
      read: async () => parser.ask({ manager: 'lxd', instances: await instances('lxc') }),
    },
    { what: 'Docker', read: () => containers('docker', parser) },
    { what: 'Podman', where: ['/var/lib/containers/storage'], read: () => containers('podman', parser) },
    {
      what: 'pods (CRI)',
      where: ['/etc/crictl.yaml', '/run/crio/crio.sock', ...containerd],
      read: () => criRecords(printed, parser),
    },
    { what: 'containerd', where: containerd, read: () => containerdRecords(printed, parser) },
    { what: 'systemd-nspawn', where: ['/run/systemd/machines'], read: () => nspawnRecords(printed, parser) },
    { what: 'machine monitors', read: () => monitorRecords(netns, parser) },
    {
      what: 'ip netns',
      read: async () => namespaces(await printed(['ip', '-j', 'netns', 'list'], { netns }), parser, netns),
    },
  ];
  try {
    const guests = await Promise.all(
      readers.map(async ({ what, where, read }) => {
        if (where?.some(existsSync) === false) return [];
        try {
          return await read();
        } catch (error) {
          if (!(error instanceof VerifyError)) throw error;
          if (error.code !== 'program-missing') unread.push({ what, why: error.message });
          return [];
        }
      }),
    );
    return { guests: await withPorts(guests.flat(), links), unread };
  } finally {
    parser.end();
  }
}

/** What a program prints, which nobody has parsed yet. */
async function printed(argv: readonly string[], options: ProgramOptions = bounds): Promise<Printed> {
  return { command: showCommand(argv), text: await mustRun(argv, options) };
}

/** Where there are none nothing is parsed. */
async function namespaces(list: Printed, parser: GuestParser, netns: string | null): Promise<readonly GuestRecord[]> {
  if (/^\s*(\[\s*\])?\s*$/.test(list.text)) return [];
  const links = await printed(['ip', '-j', '-d', 'link', 'show'], { netns });
  return parser.ask({ manager: 'netns', namespaces: list, links });
}

/** Domains by UUID: their names may be anything. One that cannot be read does not hide the others. */
async function libvirt(unread: { what: string; why: string }[], parser: GuestParser): Promise<readonly GuestRecord[]> {
  const uuids = idsIn(await mustRun(['virsh', '-r', '-q', 'list', '--uuid'], bounds), /^[0-9a-f-]{36}$/, 'virsh list');
  return inTurns(uuids, async (uuid) => {
    try {
      return await parser.ask({ manager: 'libvirt', domain: await printed(['virsh', '-r', '-q', 'dumpxml', uuid]) });
    } catch (error) {
      unread.push({ what: `libvirt's domain ${uuid}`, why: error instanceof Error ? error.message : String(error) });
      return [];
    }
  });
}

/** Its guests by number, as their interfaces name them: no others can be on a bridge. */
async function proxmox(links: readonly LinkState[], parser: GuestParser): Promise<readonly GuestRecord[]> {
  const owners = new Map(
    links.flatMap(({ name }) => {
      const owner = proxmoxOwner(name);
      return owner === null ? [] : [[owner.id, owner] as const];
    }),
  );
  if (owners.size === 0) return [];
  const ask = (path: string, ...words: readonly string[]): Promise<Printed | null> =>
    printed(['pvesh', 'get', path, ...words, '--output-format', 'json']).catch((error: unknown) => {
      if (!(error instanceof VerifyError)) throw error;
      return null; // software-defined networking may be off; names do not depend on it
    });
  const resources = await ask('/cluster/resources', '--type', 'vm');
  const vnets = await ask('/cluster/sdn/vnets');
  return inTurns([...owners.values()], async ({ id, program }) =>
    parser.ask({
      manager: 'proxmox',
      id,
      program,
      config: await printed([program, 'config', String(id)]),
      resources,
      vnets,
    }),
  );
}

async function containers(program: 'docker' | 'podman', parser: GuestParser): Promise<readonly GuestRecord[]> {
  const ids = idsIn(
    await mustRun([program, 'ps', '--quiet', '--no-trunc'], bounds),
    /^[0-9a-f]{12,64}$/,
    `${program} ps`,
  );
  const guests: GuestRecord[] = [];
  for (let at = 0; at < ids.length; at += maxTogether)
    guests.push(
      ...(await parser.ask({
        manager: program,
        inspected: await printed([program, 'inspect', ...ids.slice(at, at + maxTogether)]),
      })),
    );
  return guests;
}

/** Guests that are known by their namespace, with the ports that lead there. */
async function withPorts(guests: readonly GuestRecord[], links: readonly LinkState[]): Promise<readonly GuestRecord[]> {
  const inside = new Map<string, unknown>();
  const portless = guests.filter(({ port }) => port === null);
  for (const netns of new Set(portless.flatMap((guest) => guest.netns ?? []))) inside.set(netns, await linksIn(netns));
  return guests.flatMap((guest) => {
    if (guest.netns === undefined || guest.port !== null) return [guest];
    const devices = inside.get(guest.netns);
    return guest.mac === null ? portsOfSandbox(guest, devices, links) : [withSandboxPort(guest, devices, links)];
  });
}

/** Links of a container's namespace; none where it has just ended, or may not be entered: then MACs have to do. */
async function linksIn(netns: string): Promise<unknown> {
  try {
    return await readJson(['ip', '-j', 'link', 'show'], { netns, ...bounds });
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return [];
  }
}

/** One id a line. Throws VerifyError where it prints anything else: guests could be missing. */
function idsIn(text: string, id: RegExp, what: string): readonly string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (!lines.every((line) => id.test(line)))
    throw new VerifyError(
      'command-failed',
      3,
      `${what} printed something that is no list of ids`,
      'see what it prints',
    );
  return lines;
}

/** What is read of each, in their order. */
async function inTurns<T>(
  items: readonly T[],
  read: (item: T) => Promise<readonly GuestRecord[]>,
): Promise<readonly GuestRecord[]> {
  const found: (readonly GuestRecord[])[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) found[at] = await read(item);
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  return found.flat();
}
