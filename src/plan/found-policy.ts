import { foundVlans } from '../core/discover/found-vlans.js';
import type { HostState } from '../model/state.js';

/** `policy` of a scenario file, and what each rule says in words. */
export interface FoundPolicy {
  readonly rules: readonly (
    | { readonly within: string; readonly expect: 'private' }
    | { readonly from: string; readonly to: string; readonly expect: 'private' | 'separated' }
  )[];
  readonly sentences: readonly string[];
}

/**
 * What zones may be asked. Within a zone nobody overhears; between zones nobody is reached where the kernel's settings
 * say that they are meant to be apart (no VLAN in common, or every port isolated), else nobody overhears: stricter
 * rules are the reader's to write.
 */
export function foundPolicy(
  members: readonly { readonly zone: string; readonly port: string }[],
  state: HostState,
  bridge: string,
): FoundPolicy {
  const zones = new Map<string, string[]>();
  for (const { zone, port } of members) zones.set(zone, [...(zones.get(zone) ?? []), port]);
  const apart = zones.size > 1 && meantApart([...zones.values()], state, bridge);
  const within = [...zones.values()].some((ports) => ports.length > 1);
  const parts = [
    ...(within
      ? [
          {
            rule: { within: 'zone:*', expect: 'private' as const },
            sentence:
              'Within a zone, what one guest sends reaches nobody else but the uplink, whether the bridge knows the addressee or not.',
          },
        ]
      : []),
    ...(zones.size < 2
      ? []
      : [
          apart
            ? {
                rule: { from: 'zone:*', to: 'zone:*', expect: 'separated' as const },
                sentence: 'Between zones, what a guest sends never arrives.',
              }
            : {
                rule: { from: 'zone:*', to: 'zone:*', expect: 'private' as const },
                sentence:
                  'Between zones, what one guest sends to another reaches nobody else, whether the bridge knows the addressee or not (write "separated" where it must not arrive either).',
              },
        ]),
  ];
  return { rules: parts.map(({ rule }) => rule), sentences: parts.map(({ sentence }) => sentence) };
}

function meantApart(zones: readonly (readonly string[])[], state: HostState, bridge: string): boolean {
  const isolated = (port: string): boolean =>
    state.links.find(({ name }) => name === port)?.port?.['isolated'] === true;
  if (zones.flat().every(isolated)) return true;
  const vlans = zones.map(
    (ports) => new Set(ports.flatMap((port) => foundVlans(state, bridge, port)).map(({ vid }) => String(vid))),
  );
  return vlans.every(
    (own, at) =>
      own.size > 0 && vlans.every((other, index) => index === at || [...own].every((vid) => !other.has(vid))),
  );
}
