import { isOnPort } from '../../model/attach.js';
import { quote } from '../../text/escape.js';
import { generate } from '../schema/topology.js';
import { namePattern } from '../schema/values.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { salvage } from '../yaml/salvage.js';
import type { EndpointDraft } from './read-endpoint.js';

/** Of a topology. A Linux bridge has 1023 ports at most; namespaces and sockets cost memory. */
const maxEndpoints = 4096;

function isNumbered(
  faults: FaultList,
  patterns: Readonly<Record<string, string | undefined>>,
  count: number,
  path: Path,
): boolean {
  for (const [key, pattern] of Object.entries(patterns)) {
    if (pattern === undefined || pattern.includes('{}')) continue;
    const at = [...path, key];
    faults.add(
      at,
      `${where(at)}: expected {} where the number goes, as in ${quote(`${pattern}{}`)}, because count is ${count}`,
    );
    return false;
  }
  return true;
}

function isFree(faults: FaultList, name: string, isReserved: boolean, at: Path): boolean {
  const isName = namePattern.test(name);
  if (isName && !isReserved) return true;
  const problem = isName ? 'is there already' : 'is not a valid name';
  faults.add(at, `${where(at)}: the endpoint ${quote(name)} ${problem}`);
  return false;
}

/**
 * Endpoints of `generate` blocks, numbered from 1 in each: `{}` in name, port and zone is the number. `known`: names in
 * use.
 */
export function expandGenerate(
  faults: FaultList,
  blocks: readonly unknown[],
  path: Path,
  known: ReadonlySet<string>,
): readonly EndpointDraft[] {
  const drafts: EndpointDraft[] = [];
  const taken = new Map<string, Path>();
  for (const [index, block] of blocks.entries()) {
    const at = [...path, index];
    const read = salvage(faults, generate, block, at);
    if (read === null) continue;
    const { count, name, port, zone, ...rest } = read.value;
    if (drafts.length + known.size + count > maxEndpoints) {
      faults.add(
        [...at, 'count'],
        `${where([...at, 'count'])}: the topology would have more than ${maxEndpoints} endpoints`,
      );
      continue;
    }
    const onPort = rest.attach === undefined || isOnPort(rest.attach);
    if (count > 1 && !isNumbered(faults, { name, port }, count, at)) continue;
    for (let number = 1; number <= count; number += 1) {
      const fill = (pattern: string): string => pattern.replaceAll('{}', String(number));
      const endpointName = fill(name);
      if (!isFree(faults, endpointName, known.has(endpointName) || taken.has(endpointName), [...at, 'name'])) break;
      taken.set(endpointName, at);
      const ordinal = onPort && !read.dropped.has('port') ? `p${drafts.length + known.size + 1}` : undefined;
      const portName = port === undefined ? ordinal : fill(port);
      drafts.push({
        name: endpointName,
        path: at,
        raw: {
          ...rest,
          ...(portName === undefined ? {} : { port: portName }),
          ...(zone === undefined ? {} : { zone: fill(zone) }),
        },
        dropped: read.dropped,
        generated: true,
      });
    }
  }
  return drafts;
}
