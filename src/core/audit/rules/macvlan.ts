import type { LinkState } from '../../model/state.js';
import { word } from '../../text/escape.js';
import type { HostRule } from '../rule.js';

/** Guests that sit on a device below them instead of on a bridge: taps of machines, devices of containers. */
const kinds: readonly (string | null)[] = ['macvtap', 'macvlan'];

/**
 * Two of one lower device in mode bridge reach each other within the kernel: neither a setting of a bridge, nor a rule
 * of nft's family bridge, nor the switch beyond the NIC sees their frames. `private` and `vepa` hand nothing over here
 * (ip-link(8), "MACVLAN and MACVTAP Type Support").
 */
export const macvlanBridgeRule: HostRule = ({ state: { links } }) => {
  const byLower = new Map<string, LinkState[]>();
  for (const link of links)
    if (kinds.includes(link.kind) && link.mode === 'bridge' && link.lower !== undefined)
      byLower.set(link.lower, [...(byLower.get(link.lower) ?? []), link]);
  return [...byLower]
    .filter(([, guests]) => guests.length > 1)
    .map(([lower, guests]) => ({
      severity: 'medium',
      place: lower,
      value: guests.map(({ name }) => name).join(' '),
      readFrom: 'ip -d link',
      text: 'these guests reach each other within the kernel, past bridges, their rules and the switch (mode bridge)',
      probe: null,
      fix: guests.map(({ name, kind }) => `ip link set dev ${word(name)} type ${kind ?? ''} mode private`).join(' && '),
    }));
};
