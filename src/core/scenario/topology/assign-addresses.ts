import { placeOf, sharesMac } from '../../model/attach.js';
import type { Endpoint, IpPrefix, Mac, Provider } from '../../model/scenario.js';
import { macText } from '../../wire/ethernet.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList } from '../yaml/fault.js';
import { bitsOf, formatIp, parseIp } from '../../text/ip-address.js';
import type { EndpointDraft } from './read-endpoint.js';

/**
 * Adds the lab's addresses: MACs 02:76:69:… by the endpoint's position (`vi` in ASCII, locally administered), names of
 * relays' guest sides, the next free address for each endpoint of a generate block.
 */
export function assignAddresses(
  faults: FaultList,
  drafts: readonly EndpointDraft[],
  endpoints: readonly Endpoint[],
  bridgeAddresses: readonly IpPrefix[],
  provider: Provider,
): readonly Endpoint[] {
  const macs = new Set(endpoints.flatMap((endpoint) => endpoint.macs));
  const ports = new Set(endpoints.flatMap(({ port }) => port ?? []));
  const explicit = endpoints.filter(({ generated }) => !generated).flatMap(({ ips }) => ips);
  const addresses = new Set([...explicit, ...bridgeAddresses].map(({ address }) => address));
  const gateways = endpoints.flatMap(({ gateway }) => gateway ?? []);
  for (const gateway of gateways) addresses.add(gateway);
  const cursors = new Map<string, bigint>();
  const exhausted = new Set<string>();
  const assigned = endpoints.map((endpoint, index) => {
    const draft = drafts[index];
    const derived = placeOf(endpoint.attach) === 'behind' ? 'relay' : endpoint.attach;
    const isNamed = endpoint.port !== null || provider !== 'lab';
    const port =
      isNamed || !['behind', 'above'].includes(placeOf(endpoint.attach))
        ? endpoint.port
        : free((n) => `${derived}${n}`, ports);
    // A host endpoint without `mac` has the bridge's own.
    const derive =
      provider === 'lab' &&
      endpoint.macs.length === 0 &&
      placeOf(endpoint.attach) !== 'host' &&
      !sharesMac(endpoint.attach) &&
      draft?.dropped.has('mac') !== true;
    const macsOf = derive ? [free((n) => derivedMac(index + n), macs)] : endpoint.macs;
    const ips = endpoint.generated
      ? endpoint.ips.map((prefix): IpPrefix => {
          const id = `${prefix.address}/${prefix.prefix}`;
          const address = nextFree(prefix, addresses, cursors);
          if (address === null && draft !== undefined && !exhausted.has(id)) {
            exhausted.add(id);
            faults.add(
              [...draft.path, 'ip'],
              `${where([...draft.path, 'ip'])}: ${id} has no free address left for the endpoint "${endpoint.name}"`,
            );
          }
          return { ...prefix, address: address ?? prefix.address };
        })
      : endpoint.ips;
    return { ...endpoint, port, macs: macsOf, ips };
  });
  const macsByName = new Map(assigned.map(({ name, macs: owned }) => [name, owned]));
  return assigned.map((endpoint) =>
    sharesMac(endpoint.attach) ? { ...endpoint, macs: macsByName.get(endpoint.below?.lower ?? '') ?? [] } : endpoint,
  );
}

function derivedMac(number: number): Mac {
  return macText([0x02, 0x76, 0x69, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff]);
}

function free(make: (number: number) => string, taken: Set<string>): string {
  let number = 1;
  while (taken.has(make(number))) number += 1;
  taken.add(make(number));
  return make(number);
}

/** The lowest free address from the written one on, without the network's and the last (broadcast). */
function nextFree(prefix: IpPrefix, taken: Set<string>, cursors: Map<string, bigint>): string | null {
  const start = parseIp(prefix.address);
  if (start === null) return null;
  const hostBits = BigInt(bitsOf(prefix.family) - prefix.prefix);
  const size = 1n << hostBits;
  const network = (start.value >> hostBits) << hostBits;
  const last = size > 2n ? network + size - 2n : network + size - 1n;
  const lowest = size > 2n && start.value === network ? network + 1n : start.value;
  const id = `${prefix.address}/${prefix.prefix}`;
  for (let value = cursors.get(id) ?? lowest; value <= last; value += 1n) {
    const address = formatIp({ family: prefix.family, value });
    if (taken.has(address)) continue;
    taken.add(address);
    cursors.set(id, value + 1n);
    return address;
  }
  cursors.set(id, last + 1n);
  return null;
}
