import type { Plan } from '../../model/plan.js';
import type { HostState } from '../../model/state.js';
import type { Bypass } from './bypasses.js';

/**
 * Addresses to which VXLAN tunnels of a run over several hosts send and that none of its hosts has: whoever is there
 * reads the frames, and may hand them on. `state`: of all hosts, devices as the plan calls them. The kernel keeps the
 * device's own `remote` and `group` in the same table (drivers/net/vxlan/vxlan_core.c, vxlan_fdb_update).
 */
export function tunnelBypasses({ endpoints, hosts }: Pick<Plan, 'endpoints' | 'hosts'>, state: HostState): Bypass[] {
  if (hosts === undefined) return [];
  const ports = new Set(endpoints.flatMap(({ tunnel, port }) => (tunnel === undefined || port === null ? [] : [port])));
  const known = new Set(state.links.flatMap(({ vteps }) => vteps ?? []));
  const macs = new Map<string, { readonly port: string; readonly dst: string; readonly macs: string[] }>();
  for (const { port, dst, mac } of state.fdb) {
    if (dst === undefined || !ports.has(port) || known.has(dst)) continue;
    const entry = macs.get(`${port} ${dst}`) ?? { port, dst, macs: [] };
    macs.set(`${port} ${dst}`, entry);
    entry.macs.push(mac);
  }
  return [...macs.values()].map(({ port, dst, macs: [first = '', ...more] }) => ({
    what: `VXLAN destination ${dst}`,
    where: port,
    remedy: `no host of the run has this address, and frames for ${first}${more.length === 0 ? '' : ` and ${more.length} more MACs`} go there: name that host in the scenario, delete the entry (bridge fdb del ${first} dev ${port} dst ${dst}), or answer for it with trust`,
  }));
}
