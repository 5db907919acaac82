import type { Mac } from '../core/model/mac.js';
import type { HostState, LinkState } from '../model/state.js';

/**
 * The link that a configuration means: by name; by the guest's MAC where the bridges know it, or as libvirt gives it to
 * the tap (fe: instead of its first octet).
 */
export function linkOfRecord(
  { device, mac }: { readonly device: string | null; readonly mac: Mac | null },
  { links, fdb }: Pick<HostState, 'links' | 'fdb'>,
): LinkState | undefined {
  if (device !== null) return links.find(({ name }) => name === device);
  if (mac === null) return undefined;
  const port = fdb.find((entry) => entry.mac === mac && entry.master !== null && entry.state !== 'permanent')?.port;
  return (
    links.find(({ name }) => name === port) ??
    links.find((link) => link.master !== null && link.mac === `fe${mac.slice(2)}`)
  );
}
