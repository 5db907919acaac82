import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { interfacesReport } from '../../core/discover/declared/interfaces.js';
import {
  libvirtDeclared,
  libvirtDomainManagers,
  libvirtNetwork,
  libvirtNetworkManagers,
  networkDeclared,
} from '../../core/discover/declared/libvirt.js';
import { netplanReport } from '../../core/discover/declared/netplan.js';
import { networkManagerManagers } from '../../core/discover/declared/network-manager.js';
import { isolatingVnets, proxmoxDeclared, proxmoxManagers } from '../../core/discover/declared/proxmox.js';
import type { ConfigFile, ConfigReport } from '../../core/discover/declared/report.js';
import { proxmoxOwner, proxmoxContext } from '../../core/discover/guests/proxmox.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { messageOf, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { mustRun, readJson } from '../process/programs.js';

const timeoutMs = 10_000;

export interface DeclaredSnapshot extends ConfigReport {
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/**
 * Bridges and ports by libvirt, Proxmox VE, netplan and ifupdown. Skips missing ones, names unreadable ones. `root`:
 * parent of /etc.
 */
export async function readDeclared(state: Pick<HostState, 'links' | 'fdb'>, root = ''): Promise<DeclaredSnapshot> {
  const unread: { what: string; why: string }[] = [];
  const sources: readonly (readonly [string, () => Promise<ConfigReport>])[] = [
    ['libvirt', () => libvirt(state)],
    ['Proxmox VE', () => proxmox(state.links)],
    ['netplan', () => Promise.resolve(netplan(root))],
    ['ifupdown', () => Promise.resolve(interfaces(root))],
    ['NetworkManager', () => Promise.resolve(networkManager(root))],
  ];
  const declarations = await Promise.all(
    sources.map(async ([what, read]) => {
      try {
        return await read();
      } catch (error) {
        if (!isAbsent(error)) unread.push({ what: `what ${what} declares`, why: messageOf(error) });
        return { declared: [], keepers: [] };
      }
    }),
  );
  return {
    declared: declarations.flatMap(({ declared }) => declared),
    keepers: declarations.flatMap(({ keepers }) => keepers),
    unread,
  };
}

function netplan(root: string): ConfigReport {
  const files = ['lib', 'etc', 'run']
    .flatMap((folder) => filesIn(`${root}/${folder}/netplan`, /\.yaml$/))
    .sort((a, b) => (baseName(a) < baseName(b) ? -1 : 1));
  return netplanReport(files);
}

/** An installed ifupdown2 replaces ifupdown and its options. */
function interfaces(root: string): ConfigReport {
  const files = [
    ...filesIn(`${root}/etc/network`, /^interfaces$/),
    ...filesIn(`${root}/etc/network/interfaces.d`, /^[\w.-]+$/),
  ];
  return interfacesReport(files, existsSync(`${root}/usr/share/ifupdown2`) ? 'ifupdown2' : 'ifupdown');
}

/** Later folders override keyfiles of the same name (NetworkManager.conf(5)). Other formats are distributions' own. */
function networkManager(root: string): ConfigReport {
  const files = new Map(
    ['usr/lib', 'run', 'etc']
      .flatMap((folder) => filesIn(`${root}/${folder}/NetworkManager/system-connections`, /^[^.].*\.nmconnection$/))
      .map((file) => [baseName(file), file]),
  );
  return { declared: [], keepers: networkManagerManagers([...files.values()]) };
}

/** Without its daemon it has no guests. */
function isAbsent(error: unknown): boolean {
  return (
    error instanceof VerifyError &&
    (error.code === 'program-missing' || /libvirt-sock-ro': No such file/.test(error.message))
  );
}

async function libvirt(state: Pick<HostState, 'links' | 'fdb'>): Promise<ConfigReport> {
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
    declared: [...networkDeclared(networks), ...texts.flatMap((xml) => libvirtDeclared(xml, networks))],
    keepers: [
      ...libvirtNetworkManagers(networks),
      ...texts.flatMap((xml) => libvirtDomainManagers(xml, networks, state)),
    ],
  };
}

async function proxmox(links: readonly LinkState[]): Promise<ConfigReport> {
  const owners = new Map(
    links.flatMap(({ name }) => {
      const owner = proxmoxOwner(name);
      return owner === null ? [] : [[owner.id, owner] as const];
    }),
  );
  if (owners.size === 0) return { declared: [], keepers: [] };
  const vnets = await readJson(['pvesh', 'get', '/cluster/sdn/vnets', '--output-format', 'json'], { timeoutMs });
  const { vnets: named } = proxmoxContext(null, vnets);
  const texts = await Promise.all(
    [...owners.values()].map(async ({ id, program }) => ({
      id,
      program,
      config: await mustRun([program, 'config', String(id)], { timeoutMs }),
    })),
  );
  return {
    declared: texts.flatMap(({ id, program, config }) => proxmoxDeclared(id, program, config, isolatingVnets(vnets))),
    keepers: texts.flatMap(({ id, program, config }) => proxmoxManagers(id, program, config, named)),
  };
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
