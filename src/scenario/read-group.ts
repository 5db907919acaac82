import { formatIp, parseIp } from '../core/scenario/topology/ip-address.js';
import { describe, where } from '../core/scenario/yaml/explain-issue.js';
import type { FaultList, Path } from '../core/scenario/yaml/fault.js';

/** Reads a multicast group: 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291 2.7) or a group MAC address. */
export function readGroup(faults: FaultList, raw: string, path: Path): string {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(raw) && (Number.parseInt(raw.slice(0, 2), 16) & 1) === 1)
    return raw.toLowerCase();
  const ip = parseIp(raw);
  if (ip !== null && (ip.family === 4 ? ip.value >> 28n === 0xen : ip.value >> 120n === 0xffn)) return formatIp(ip);
  faults.add(
    path,
    `${where(path)}: expected a multicast group such as 239.1.1.1, ff0e::1 or 01:00:5e:01:01:01, got ${describe(raw)}`,
  );
  return raw;
}
