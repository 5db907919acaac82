import { withEthtool } from '../system/kernel/ethtool.js';

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

/** The offloads that are on, by device; a device or a kernel that does not tell has none. */
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
