import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { interfacesManagers } from '../../core/discover/managers/interfaces.js';
import {
  libvirtDomainManagers,
  libvirtIsolated,
  libvirtNetwork,
  libvirtNetworkManagers,
} from '../../core/discover/managers/libvirt.js';
import { netplanManagers } from '../../core/discover/managers/netplan.js';
import { networkManagerManagers } from '../../core/discover/managers/network-manager.js';
import { isolatingVnets, proxmoxIsolated, proxmoxManagers } from '../../core/discover/managers/proxmox.js';
import { proxmoxOwner, proxmoxContext } from '../../core/discover/guests/proxmox.js';
import type { ConfigurationManager } from '../../core/model/fix.js';
import type { ConfigFile, IsolatedPort } from '../../core/model/host-config.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { messageOf, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { mustRun, readJson } from '../process/programs.js';

const timeoutMs = 10_000;

interface Kept {
  readonly keepers: readonly ConfigurationManager[];
  readonly isolated?: readonly IsolatedPort[];
}

/** What makes bridges and ports, and those that are to be isolated. */
export interface ManagersRead extends Required<Kept> {
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/** Of libvirt, Proxmox VE, netplan, ifupdown and NetworkManager. Skips missing ones. `root`: parent of /etc. */
export async function readManagers(state: Pick<HostState, 'links' | 'fdb'>, root = ''): Promise<ManagersRead> {
  const unread: { what: string; why: string }[] = [];
  const sources: Readonly<Record<string, () => Kept | Promise<Kept>>> = {
    libvirt: () => libvirt(state),
    'Proxmox VE': () => proxmox(state.links),
    netplan: () => ({ keepers: netplan(root) }),
    ifupdown: () => ({ keepers: interfaces(root) }),
    NetworkManager: () => ({ keepers: networkManager(root) }),
  };
  const kept = await Promise.all(
    Object.entries(sources).map(async ([what, read]): Promise<Kept> => {
      try {
        return await read();
      } catch (error) {
        if (!isAbsent(error)) unread.push({ what: `what ${what} declares`, why: messageOf(error) });
        return { keepers: [] };
      }
    }),
  );
  return {
    keepers: kept.flatMap(({ keepers }) => keepers),
    isolated: kept.flatMap(({ isolated = [] }) => isolated),
    unread,
  };
}

function netplan(root: string): readonly ConfigurationManager[] {
  const files = ['lib', 'etc', 'run']
    .flatMap((folder) => filesIn(`${root}/${folder}/netplan`, /\.yaml$/))
    .sort((a, b) => (baseName(a) < baseName(b) ? -1 : 1));
  return netplanManagers(files);
}

/** An installed ifupdown2 replaces ifupdown and its options. */
function interfaces(root: string): readonly ConfigurationManager[] {
  const files = [
    ...filesIn(`${root}/etc/network`, /^interfaces$/),
    ...filesIn(`${root}/etc/network/interfaces.d`, /^[\w.-]+$/),
  ];
  return interfacesManagers(files, existsSync(`${root}/usr/share/ifupdown2`) ? 'ifupdown2' : 'ifupdown');
}

/** Later folders override keyfiles of the same name (NetworkManager.conf(5)). Other formats are distributions' own. */
function networkManager(root: string): readonly ConfigurationManager[] {
  const files = new Map(
    ['usr/lib', 'run', 'etc']
      .flatMap((folder) => filesIn(`${root}/${folder}/NetworkManager/system-connections`, /^[^.].*\.nmconnection$/))
      .map((file) => [baseName(file), file]),
  );
  return networkManagerManagers([...files.values()]);
}

/** Without its daemon it has no guests. */
function isAbsent(error: unknown): boolean {
  return (
    error instanceof VerifyError &&
    (error.code === 'program-missing' || /libvirt-sock-ro': No such file/.test(error.message))
  );
}

async function libvirt(state: Pick<HostState, 'links' | 'fdb'>): Promise<Kept> {
  const list = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await mustRun(['virsh', '-r', '-q', ...words], { timeoutMs }))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^[0-9a-f-]{36}$/.test(line));
  const domains = await list('list', '--uuid');
  const networks = await Promise.all(
    (await list('net-list', '--uuid')).map(async (uuid) =>
      libvirtNetwork(await mustRun(['virsh', '-r', '-q', 'net-dumpxml', uuid], { timeoutMs })),
    ),
  );
  const texts = await Promise.all(
    domains.map((uuid) => mustRun(['virsh', '-r', '-q', 'dumpxml', '--inactive', uuid], { timeoutMs })),
  );
  return {
    isolated: texts.flatMap((xml) => libvirtIsolated(xml, networks)),
    keepers: [
      ...libvirtNetworkManagers(networks),
      ...texts.flatMap((xml) => libvirtDomainManagers(xml, networks, state)),
    ],
  };
}

async function proxmox(links: readonly LinkState[]): Promise<Kept> {
  const owners = new Map(
    links.flatMap(({ name }) => {
      const owner = proxmoxOwner(name);
      return owner === null ? [] : [[owner.id, owner] as const];
    }),
  );
  if (owners.size === 0) return { keepers: [] };
  const vnets = await readJson(['pvesh', 'get', '/cluster/sdn/vnets', '--output-format', 'json'], { timeoutMs });
  const { vnets: named } = proxmoxContext(null, vnets);
  const keepers = await Promise.all(
    [...owners.values()].map(async ({ id, program }) =>
      proxmoxManagers(id, program, await mustRun([program, 'config', String(id)], { timeoutMs }), named),
    ),
  );
  return { keepers: keepers.flat(), isolated: proxmoxIsolated(keepers.flat(), isolatingVnets(vnets)) };
}

function baseName({ path }: ConfigFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function filesIn(folder: string, named: RegExp): readonly ConfigFile[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder)
      .filter((name) => named.test(name))
      .sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return [];
    throw error;
  }
  return names.map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${folder}/${name}`, 'utf8') }));
}
