import { readFileSync } from 'node:fs';
import type { TableUse } from '../../core/audit/precheck.js';
import type { Drops } from '../../core/model/state.js';
import { readFeatures, withEthtool } from '../kernel/ethtool.js';
import { inNamespace } from '../kernel/namespaces.js';
import { readSysctl } from '../kernel/sysctl.js';

function* linesOfDevices(text: string): Generator<readonly [name: string, columns: readonly number[]]> {
  for (const line of text.split('\n').slice(2)) {
    const at = line.lastIndexOf(':');
    const columns = line
      .slice(at + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    if (at >= 0) yield [line.slice(0, at).trim(), columns];
  }
}

/** Dropped frames of /proc/net/dev, received and sent together. */
export function parseDrops(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...linesOfDevices(text)].flatMap(([name, columns]) => {
      const drops = (columns[3] ?? Number.NaN) + (columns[11] ?? Number.NaN);
      return Number.isNaN(drops) ? [] : [[name, drops] as const];
    }),
  );
}

/** Frames of a device since it was made. */
export interface Passed {
  readonly received: number;
  readonly sent: number;
}

/** Counts by name, from /proc/net/dev. */
export function readPassed(netns: string | null): ReadonlyMap<string, Passed> {
  const text = inNamespace(netns, () => readFileSync('/proc/thread-self/net/dev', 'utf8'));
  return new Map(
    [...linesOfDevices(text)].flatMap(([name, columns]) => {
      const [received, sent] = [columns[1], columns[9]];
      return received === undefined || sent === undefined ? [] : [[name, { received, sent }] as const];
    }),
  );
}

/** Second column of /proc/net/softnet_stat, hexadecimal, a line a processor (net/core/net-procfs.c). */
function parseBacklogDrops(text: string): number {
  const columns = text.split('\n').map((line) => Number.parseInt(line.split(/\s+/)[1] ?? '', 16));
  return columns.reduce((sum, dropped) => sum + (Number.isNaN(dropped) ? 0 : dropped), 0);
}

/** Drops by a namespace's devices and the machine's processors. null = not reported. */
export function readAllDrops(netns: string | null): Drops | null {
  try {
    return {
      devices: readDrops(netns),
      backlog: parseBacklogDrops(readFileSync('/proc/net/softnet_stat', 'utf8')),
    };
  } catch {
    return null;
  }
}

/**
 * Use of the tables that IP probes may fill. Connections are a namespace's; neighbours the machine's: first column,
 * hexadecimal, of /proc/net/stat/arp_cache (net/core/neighbour.c). Missing ones are left out.
 */
export function readTables(netns: string | null): readonly TableUse[] {
  const names = { used: 'net.netfilter.nf_conntrack_count', max: 'net.netfilter.nf_conntrack_max' } as const;
  const connections = readSysctl(netns, Object.values(names));
  const limit = readSysctl(null, ['net.ipv4.neigh.default.gc_thresh3']);
  const table = (name: TableUse['table'], used: number, max: number): readonly TableUse[] =>
    Number.isNaN(used + max) ? [] : [{ table: name, used, max }];
  return [
    ...table('connections', Number(connections[names.used]), Number(connections[names.max])),
    ...table('neighbours', neighbourEntries(), Number(limit['net.ipv4.neigh.default.gc_thresh3'])),
  ];
}

function neighbourEntries(): number {
  try {
    const [, first = ''] = readFileSync('/proc/net/stat/arp_cache', 'utf8').split('\n');
    return Number.parseInt(first.trim().split(/\s+/)[0] ?? '', 16);
  } catch {
    return Number.NaN; // only the machine's first namespace shows it
  }
}

/** Drops by device. */
export function readDrops(netns: string | null): Readonly<Record<string, number>> {
  return parseDrops(inNamespace(netns, () => readFileSync('/proc/thread-self/net/dev', 'utf8')));
}

/** Offloads that hand over frames unlike those on a wire, with their read command of linux/ethtool.h. */
const commands = {
  'transmit checksum': 0x16,
  'TCP segmentation': 0x1e,
  'generic segmentation': 0x23,
  'generic receive': 0x2b,
} as const;

/** Active offloads by device. None if not reported. */
export function readOffloads(
  netns: string | null,
  devices: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  return withEthtool(netns, (ask) =>
    Object.fromEntries(
      devices.map((device) => [
        device,
        Object.entries(commands).flatMap(([name, command]) => (ask(device, command, 0) === 1 ? [name] : [])),
      ]),
    ),
  );
}

/** Features that forward, copy or remove frames, as `ethtool -k` names them. */
const ofHardware: ReadonlySet<string> = new Set([
  'hsr-dup-offload',
  'hsr-fwd-offload',
  'hw-tc-offload',
  'l2-fwd-offload',
  'rx-vlan-filter',
]);
const withoutHardware: ReadonlySet<string | null> = new Set(['bridge', 'dummy', 'ifb', 'tun', 'veth']);

/** Active ones by device, without devices that have none. */
export function readHardware(
  netns: string | null,
  links: readonly { readonly name: string; readonly kind: string | null }[],
): Readonly<Record<string, readonly string[]>> {
  const named = links.filter(({ name, kind }) => !withoutHardware.has(kind) && name !== 'lo').map(({ name }) => name);
  if (named.length === 0) return {};
  return Object.fromEntries(
    Object.entries(readFeatures(netns, named)).flatMap(([device, features]) => {
      const on = features.filter((name) => ofHardware.has(name));
      return on.length === 0 ? [] : [[device, on] as const];
    }),
  );
}
