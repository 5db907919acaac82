import type { Bridge } from '../../core/model/scenario.js';
import { VerifyError } from '../../core/model/verify-error.js';

/** Where `ip netns` keeps its names (ip-netns(8)). */
const named = '/run/netns/';

/**
 * The file that setns takes: a name of `ip netns`, or a path such as /proc/4711/ns/net; null = the caller's own
 * namespace.
 */
export function netnsPath(netns: string | null): string | null {
  return netns === null || netns.includes('/') ? netns : `${named}${netns}`;
}

/**
 * The one namespace in which a topology's bridges live. Throws VerifyError (64) where there are several: their ports
 * would have to be observed by several runs.
 */
export function namespaceOf(bridges: readonly Bridge[]): string | null {
  const placed = bridges.map(({ name, netns }) => ({ name, path: netnsPath(netns) }));
  const [first] = placed;
  const other = placed.find(({ path }) => path !== first?.path);
  if (first !== undefined && other !== undefined) {
    throw new VerifyError(
      'netns-mixed',
      64,
      `${first.name} and ${other.name} are in different network namespaces`,
      'write one scenario for each namespace',
    );
  }
  return first?.path ?? null;
}
