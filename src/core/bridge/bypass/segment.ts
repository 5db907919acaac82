import { linkNamed, portsOf } from '../host.js';
import type { Plan } from '../../model/plan.js';
import { type HostState, type LinkState, pairKinds } from '../../model/state.js';
import { tcCopies } from '../rules.js';
import type { Bypass } from './bypasses.js';
import { groupBy } from '../../text/collections.js';

/** Links without guests behind them (ip-link(8)). */
export const waypoints: readonly unknown[] = ['ifb', 'dummy'];

/**
 * Devices that frames of these bridges reach without rules: ports, devices above, pairs, devices below, tc's ifb.
 * Nothing rises again from below an uplink. `routed`: guest devices on no bridge.
 */
export function segmentOf(
  bridges: ReadonlySet<string>,
  state: Pick<HostState, 'links' | 'tc'>,
  routed: readonly string[] = [],
): ReadonlySet<string> {
  const aboveOf = groupBy(state.links, ({ kind, lower }) => (pairKinds.includes(kind) ? null : (lower ?? null)));
  const reached = new Set<string>();
  const goDown = (link: LinkState): void => {
    if (reached.has(link.name)) return;
    reached.add(link.name);
    if (pairKinds.includes(link.kind)) {
      const peer = linkNamed(state, link.lower);
      if (peer !== undefined) arriveAt(peer);
      return;
    }
    const below = linkNamed(state, link.lower);
    for (const device of [...(below === undefined ? [] : [below]), ...portsOf(state, link.name)]) goDown(device);
  };
  const arriveAt = (link: LinkState): void => {
    if (link.flags.includes('LOOPBACK')) return;
    const isNew = !reached.has(link.name);
    reached.add(link.name);
    if (!isNew) return;
    for (const above of aboveOf.get(link.name) ?? []) arriveAt(above);
    const master = linkNamed(state, link.master);
    if (master !== undefined) arriveAt(master);
    if (link.kind === 'bridge' || bridges.has(link.name)) for (const port of portsOf(state, link.name)) leaveBy(port);
  };
  const leaveBy = (port: LinkState): void => {
    if (reached.has(port.name)) return;
    for (const above of aboveOf.get(port.name) ?? []) arriveAt(above);
    goDown(port);
  };
  for (const name of bridges) {
    const bridge = linkNamed(state, name);
    if (bridge !== undefined) arriveAt(bridge);
  }
  for (const name of routed) {
    const device = linkNamed(state, name);
    if (device !== undefined) leaveBy(device);
  }
  // A set that grows is walked to its end: what one ifb hands to the next is looked at too.
  for (const device of reached)
    for (const { to } of tcCopies(new Set([device]), state))
      if (waypoints.includes(linkNamed(state, to)?.kind)) reached.add(to);
  return reached;
}

/** Masters that only route (ip-vrf(8)). */
export const routingMasters: readonly unknown[] = ['vrf'];

/** Bridges that are ports of another device, whose handler takes their frames first (netdev_rx_handler_register). */
export function mastersAbove(bridges: ReadonlySet<string>, state: Pick<HostState, 'links'>): readonly Bypass[] {
  return state.links.flatMap(({ name, kind: ownKind, master }): readonly Bypass[] => {
    const kind = linkNamed(state, master)?.kind;
    if (ownKind !== 'bridge' || master === null || !bridges.has(name)) return [];
    if (bridges.has(master) || routingMasters.includes(kind)) return [];
    const [way, listing] =
      kind === 'openvswitch'
        ? ['to its other ports', `list that switch as a bridge too (ovs-vsctl port-to-br ${name}), `]
        : ['by itself', ''];
    const remedy = `${name} is a port of it, and it hands frames on ${way}; ${listing}take ${name} out of it, or answer for it with trust`;
    return [{ what: `${kind ?? 'device'} ${master}`, where: name, remedy }];
  });
}

/** RFC 5771, RFC 4291 2.7. */
function isGroup(address: string): boolean {
  return /^(22[4-9]|23\d)\.|^ff/i.test(address);
}

/**
 * VXLAN destinations outside the run's hosts. `state`: of all hosts, devices named as in the plan. `remote` and `group`
 * share the kernel's table (vxlan_fdb_update, drivers/net/vxlan/vxlan_core.c).
 */
export function tunnelBypasses({ endpoints, hosts }: Pick<Plan, 'endpoints' | 'hosts'>, state: HostState): Bypass[] {
  if (hosts === undefined) return [];
  const ports = new Set(endpoints.flatMap(({ tunnel, port }) => (tunnel === undefined || port === null ? [] : [port])));
  const known = new Set(state.links.flatMap(({ vteps }) => vteps ?? []));
  const entries = groupBy(state.fdb, ({ port, dst }) =>
    dst === undefined || !ports.has(port) || known.has(dst) ? null : `${port} ${dst}`,
  );
  return [...entries].map(([ends, [first = null, ...more]]) => {
    const [[where = '', dst = ''], mac] = [ends.split(' '), first?.mac ?? ''];
    return {
      what: `VXLAN destination ${dst}`,
      where,
      remedy: `${isGroup(dst) ? 'hosts that have joined this group get its frames' : 'no host of the run has this address'}, and frames for ${mac}${more.length === 0 ? '' : ` and ${more.length} more MACs`} go there: ${isGroup(dst) ? 'see that none but those of the run have joined it, and' : `name that host in the scenario, delete the entry (bridge fdb del ${mac} dev ${where} dst ${dst}), or`} answer for it with trust`,
    };
  });
}
