import { word } from '../../audit/shell-word.js';
import type { CauseFinder } from '../../core/judge/explain/causes/leak.js';
import { sameSegment } from '../../core/model/host-names.js';

/**
 * The sender's bridge and the observer's, which are parts of different networks, have tunnels of one VXLAN network
 * identifier (RFC 7348 4): the same overlay.
 */
export const vniShared: CauseFinder = ({ before, from, bridge }) => {
  if (from === null || sameSegment(from, { bridge: bridge.name })) return null;
  const tunnels = before.links.filter(({ vni }) => vni !== undefined);
  const theirs = tunnels.filter(({ master }) => master === from.bridge);
  const found = tunnels.find(({ master, vni }) => master === bridge.name && theirs.some((one) => one.vni === vni));
  if (found === undefined) return null;
  const own = theirs.find(({ vni }) => vni === found.vni)?.name ?? '';
  return {
    place: `${found.name}.vni`,
    value: String(found.vni ?? ''),
    text: `${found.name} of ${bridge.name} has the VXLAN network identifier of ${own}, which belongs to ${from.bridge}: what the one's host hands to the other's comes out there`,
    fix: `ip link set dev ${word(found.name)} nomaster`,
  };
};
