import { readFileSync } from 'node:fs';
import type { Drops } from '../../core/model/state.js';
import { withEthtool } from '../kernel/ethtool.js';
import { inNamespace } from '../kernel/namespaces.js';

/**
 * Frames that devices dropped, received and sent together, from /proc/net/dev (net/core/net-procfs.c): columns 4 and 12
 * behind the name.
 */
export function parseDrops(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    text
      .split('\n')
      .slice(2)
      .flatMap((line) => {
        const at = line.lastIndexOf(':');
        const columns = line
          .slice(at + 1)
          .trim()
          .split(/\s+/)
          .map(Number);
        const drops = (columns[3] ?? Number.NaN) + (columns[11] ?? Number.NaN);
        return at < 0 || Number.isNaN(drops) ? [] : [[line.slice(0, at).trim(), drops] as const];
      }),
  );
}

/**
 * Frames that did not fit into a processor's backlog, from /proc/net/softnet_stat: its second column, hexadecimal, a
 * line for each processor (net/core/net-procfs.c).
 */
export function parseBacklogDrops(text: string): number {
  const columns = text.split('\n').map((line) => Number.parseInt(line.split(/\s+/)[1] ?? '', 16));
  return columns.reduce((sum, dropped) => sum + (Number.isNaN(dropped) ? 0 : dropped), 0);
}

/** What a namespace's devices, and the machine's processors, have dropped; null = the kernel does not report. */
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

/** Drops of every device of a namespace, by name. */
export function readDrops(netns: string | null): Readonly<Record<string, number>> {
  return parseDrops(inNamespace(netns, () => readFileSync('/proc/thread-self/net/dev', 'utf8')));
}

/**
 * Offloads that let a device hand over frames unlike those on a wire, with the command of linux/ethtool.h that reads
 * each.
 */
const commands = {
  'transmit checksum': 0x16,
  'TCP segmentation': 0x1e,
  'generic segmentation': 0x23,
  'generic receive': 0x2b,
} as const;

/** The offloads that are on, by device; a device or a kernel that does not report has none. */
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
