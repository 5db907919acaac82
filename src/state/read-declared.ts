import { readdirSync, readFileSync } from 'node:fs';
import { interfacesDeclared } from '../inventory/declared/interfaces-declared.js';
import { libvirtDeclared, libvirtNetwork, networkDeclared } from '../inventory/declared/libvirt-declared.js';
import { netplanDeclared, type ConfigFile } from '../inventory/declared/netplan-declared.js';
import { isolatingVnets, proxmoxDeclared } from '../inventory/declared/proxmox-declared.js';
import { proxmoxOwner } from '../inventory/proxmox-guests.js';
import type { Declared } from '../model/declared.js';
import type { LinkState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { mustRun, readJson } from '../sys/programs.js';

const timeoutMs = 10_000;

export interface DeclaredReading {
  readonly declared: readonly Declared[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/** What the configuration of libvirt, Proxmox VE, netplan and ifupdown says of bridges and ports. A program or file that is not there says nothing; one that cannot be read is named. `root`: where /etc and the like are. */
export async function readDeclared(links: readonly LinkState[], root = ''): Promise<DeclaredReading> {
  const unread: { what: string; why: string }[] = [];
  const sources: readonly (readonly [string, () => Promise<readonly Declared[]>])[] = [
    ['libvirt', libvirt],
    ['Proxmox VE', () => proxmox(links)],
    ['netplan', () => Promise.resolve(netplanDeclared(['lib', 'etc', 'run'].flatMap((folder) => filesIn(`${root}/${folder}/netplan`, /\.yaml$/)).sort((a, b) => (baseName(a) < baseName(b) ? -1 : 1))))],
    ['ifupdown', () => Promise.resolve(interfacesDeclared([...filesIn(`${root}/etc/network`, /^interfaces$/), ...filesIn(`${root}/etc/network/interfaces.d`, /^[\w.-]+$/)]))],
  ];
  const declared = await Promise.all(sources.map(async ([what, read]) => {
    try {
      return await read();
    } catch (error) {
      if (!isAbsent(error)) unread.push({ what: `what ${what} declares`, why: error instanceof Error ? error.message : String(error) });
      return [];
    }
  }));
  return { declared: declared.flat(), unread };
}

/** The program is not installed, or its daemon does not run: then nobody's guests are its. */
function isAbsent(error: unknown): boolean {
  return error instanceof VerifyError && (error.code === 'program-missing' || /libvirt-sock-ro': No such file/.test(error.message));
}

async function libvirt(): Promise<readonly Declared[]> {
  const list = async (...words: readonly string[]): Promise<readonly string[]> => (await mustRun(['virsh', '-r', '-q', ...words], { timeoutMs })).split('\n').map((line) => line.trim()).filter((line) => /^[0-9a-f-]{36}$/.test(line));
  const domains = await list('list', '--uuid');
  const networks = await Promise.all((await list('net-list', '--uuid')).map(async (uuid) => libvirtNetwork(await mustRun(['virsh', '-r', '-q', 'net-dumpxml', uuid], { timeoutMs }))));
  const declared = await Promise.all(domains.map(async (uuid) => libvirtDeclared(await mustRun(['virsh', '-r', '-q', 'dumpxml', '--inactive', uuid], { timeoutMs }), networks)));
  return [...networkDeclared(networks), ...declared.flat()];
}

async function proxmox(links: readonly LinkState[]): Promise<readonly Declared[]> {
  const owners = new Map(links.flatMap(({ name }) => {
    const owner = proxmoxOwner(name);
    return owner === null ? [] : [[owner.id, owner] as const];
  }));
  if (owners.size === 0) return [];
  const vnets = await readJson(['pvesh', 'get', '/cluster/sdn/vnets', '--output-format', 'json'], { timeoutMs });
  const declared = await Promise.all([...owners.values()].map(async ({ id, program }) => proxmoxDeclared(id, program, await mustRun([program, 'config', String(id)], { timeoutMs }), isolatingVnets(vnets))));
  return declared.flat();
}

function baseName({ path }: ConfigFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Files of a folder by name; a folder that is not there has none. Throws where one cannot be read. */
function filesIn(folder: string, named: RegExp): readonly ConfigFile[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => named.test(name)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
  return names.map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${folder}/${name}`, 'utf8') }));
}
