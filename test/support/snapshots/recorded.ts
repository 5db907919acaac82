import { readFileSync } from 'node:fs';
import type { Snapshot } from '../../../src/core/model/state.js';
import { addLinks, changedState, setPorts, type StateChange } from '../link-state.js';

/**
 * Recorded from a kernel 6.18: three guests on a bridge as it comes; and the same with ageing 0, a macvlan, mirrors of
 * tc and nft, a sniffer.
 */
export const recorded = (name: 'default-bridge' | 'diverted'): Snapshot =>
  JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));

/** Three guests, vnet0 to vnet2, on br0 as it comes. */
export const defaultBridge = recorded('default-bridge');

/** The snapshot with another state. */
export const withState = (snapshot: Snapshot, ...changes: readonly StateChange[]): Snapshot => ({
  ...snapshot,
  state: changedState(snapshot.state, ...changes),
});

/** A guest behind a firewall bridge of Proxmox VE: its tap is isolated, the port that counts as given. */
export const behindFirewall = (tap: string, isolated: boolean): Snapshot =>
  withState(
    defaultBridge,
    addLinks('br0', { name: 'fwbr100i0', ifindex: 90 }),
    addLinks('vnet0', { name: tap, master: 'fwbr100i0', kind: 'tun', ifindex: 91 }),
    addLinks('vnet1', { name: 'fwpr100p0', kind: 'veth', lower: 'fwln100i0', ifindex: 92 }),
    addLinks('vnet1', { name: 'fwln100i0', kind: 'veth', lower: 'fwpr100p0', master: 'fwbr100i0', ifindex: 93 }),
    setPorts({ isolated: true }, tap),
    setPorts({ isolated }, 'fwpr100p0'),
  );
