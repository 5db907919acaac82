import { closeSync, statSync } from 'node:fs';
import { ovsOwner } from '../../../core/bridge/change-commands.js';
import { ovsFlood } from '../../../core/bridge/ovs-settings.js';
import { ovsVlanText } from '../../../core/bridge/undo/decide-ovs.js';
import type { OvsPresent, OvsRow, Present, UndoEntry, UndoOf } from '../../../core/bridge/undo/entry.js';
import { objectsOf, textOf } from '../../../core/text/json-text.js';
import { libc } from '../../kernel/libc.js';
import { inNamespace } from '../../kernel/namespaces.js';
import { procNames } from '../../kernel/proc-files.js';
import { readSysctl } from '../../kernel/sysctl.js';
import { mustRun, readJson } from '../../process/programs.js';
import { ovsValue } from '../ovs.js';

/** The present value of what an entry undoes. Rejects with VerifyError. */
export async function readPresent(entry: UndoEntry, netns: string | null): Promise<Present> {
  switch (entry.kind) {
    case 'interface':
    case 'setting':
      return { links: await readLinks(netns) };
    case 'sysctl': {
      const sysctl = readSysctl(netns, [entry.name])[entry.name];
      return { links: await readLinks(netns), ...(sysctl === undefined ? {} : { sysctl }) };
    }
    case 'vlan':
    case 'fdb':
    case 'mdb':
      return {
        links: await readLinks(netns),
        [entry.kind]: await readJson(['bridge', '-j', entry.kind, 'show'], { netns }),
      };
    case 'ovs-column':
    case 'ovs-flood':
    case 'ovs-vlan':
    case 'ovs-fdb':
    case 'ovs-mirror':
      return { links: [], ovs: await readOvsPresent(entry) };
  }
}

/**
 * Identities by interface, which differ from those of later interfaces with the same name and index: inodes of their
 * folders in sysfs, which the kernel never reuses (__kernfs_new_node, fs/kernfs/dir.c). Measured on Linux 6.12: they
 * survive renaming, setting up and enslaving. Mounts a sysfs outside the tree (0.1 ms); null = not permitted, or Linux
 * before 5.2.
 */
export function linkIdentities(netns: string | null): ReadonlyMap<string, string> | null {
  const mount = inNamespace(netns, () => libc().detachedMount('sysfs'));
  if (mount < 0) return null;
  const folder = `/proc/self/fd/${mount}/class/net`;
  try {
    return new Map(procNames(folder).flatMap((name) => identityIn(folder, name)));
  } finally {
    closeSync(mount);
  }
}

function identityIn(folder: string, name: string): readonly (readonly [string, string])[] {
  try {
    return [[name, String(statSync(`${folder}/${name}`, { bigint: true }).ino)]];
  } catch {
    return []; // it has just gone
  }
}

/** Identities come first: one read later may be another interface's. */
async function readLinks(netns: string | null): Promise<unknown> {
  const identities = linkIdentities(netns);
  const links = objectsOf(await readJson(['ip', '-j', '-d', 'link', 'show'], { netns }));
  return links.map((link) => ({ ...link, identity: identities?.get(textOf(link['ifname']) ?? '') }));
}

async function nameOf(table: 'Bridge' | 'Port', row: OvsRow | null): Promise<string | null> {
  if (row === null) return null;
  const answered = (await mustRun(['ovs-vsctl', '--if-exists', 'get', table, row.uuid, 'name'])).trim();
  return answered === '' ? null : answered.replace(/^"(.*)"$/, '$1');
}

type OvsUndo = Extract<UndoEntry, { kind: `ovs-${string}` }>;

const nothing: OvsPresent = { on: null, bridge: null, value: '', handle: '', wasOn: null };

async function readOvsPresent(entry: OvsUndo): Promise<OvsPresent> {
  switch (entry.kind) {
    case 'ovs-column': {
      const { table, on, key } = entry;
      const name = await nameOf(table, on);
      if (name === null) return nothing;
      const value = await mustRun(['ovs-vsctl', '--if-exists', 'get', table, on.uuid, key]);
      return { ...nothing, on: name, value: value.trim() };
    }
    case 'ovs-flood': {
      const [name, bridge] = [await nameOf('Port', entry.on), await nameOf('Bridge', entry.bridge)];
      if (name === null || bridge === null || (await bridgeOf(name)) !== bridge) return nothing;
      const value = await ovsValue({ table: 'Port', device: name, key: ovsFlood }, () => bridge);
      return { ...nothing, on: name, bridge, value, handle: await numberOf(name) };
    }
    case 'ovs-vlan': {
      const name = await nameOf('Port', entry.on);
      if (name === null) return nothing;
      const [tag = '', trunks = ''] = (
        await mustRun(['ovs-vsctl', 'get', 'Port', entry.on.uuid, 'tag', 'trunks'])
      ).split('\n');
      return { ...nothing, on: name, value: ovsVlanText({ tag, trunks }) };
    }
    case 'ovs-fdb': {
      const bridge = await nameOf('Bridge', entry.bridge);
      if (bridge === null) return nothing;
      const wasOn = await nameOf('Port', entry.was);
      return { ...nothing, bridge, wasOn, value: await handEntry(entry, bridge) };
    }
    case 'ovs-mirror':
      return { ...nothing, bridge: await nameOf('Bridge', entry.bridge), handle: await mirrorOf(entry) };
  }
}

async function bridgeOf(port: string): Promise<string> {
  return (await mustRun(['ovs-vsctl', 'port-to-br', port])).trim();
}

async function numberOf(port: string): Promise<string> {
  return (await mustRun(['ovs-vsctl', 'get', 'Interface', port, 'ofport'])).trim();
}

async function handEntry({ mac, vlan, set, was }: UndoOf<'ovs-fdb'>, bridge: string): Promise<string> {
  const at = (await mustRun(['ovs-appctl', 'fdb/show', bridge]))
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, vid, address, age]) => vid === String(vlan) && address === mac && age === 'static')?.[0];
  if (at === undefined) return '';
  for (const row of [set, was]) {
    const name = await nameOf('Port', row);
    if (row !== null && name !== null && at === (name === bridge ? 'LOCAL' : await numberOf(name))) return row.uuid;
  }
  return 'other';
}

async function mirrorOf({ bridge, mirror, runId }: UndoOf<'ovs-mirror'>): Promise<string> {
  const named = [`name=${JSON.stringify(mirror)}`, `external_ids:${ovsOwner}=${runId}`];
  const ofRun = (await mustRun(['ovs-vsctl', '--bare', '--columns=_uuid', 'find', 'Mirror', ...named]))
    .split(/\s+/)
    .filter((uuid) => uuid !== '');
  const mirrors = await mustRun(['ovs-vsctl', '--if-exists', 'get', 'Bridge', bridge.uuid, 'mirrors']);
  return ofRun.find((uuid) => mirrors.includes(uuid)) ?? '';
}
