import type { StepPlan } from '../model/plan.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import { kindsOfFlows } from './flows/shortcuts.js';
import { tokenWord } from '../wire/token-filter.js';
import { ingressMac } from './ingress-controls.js';

/** Filters of more source MACs cost the kernel more than they save. */
export const maxMacs = 16;

/** A filter's input beside the step. */
export interface FilterInput {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly runTag: number;
}

/**
 * A step's filter in the lab, by source MAC: the kernel holds received tags aside, so that `ether proto` would miss
 * tagged frames; never `inbound` or `outbound` (libpcap issues 1482, 1402, 1254). Includes bridges' MACs (of routed
 * frames), entry controls' source, and the token, for frames rewritten or wrapped on the way. '' takes everything.
 */
export function filterByMac(
  { flows, traffic, listenMs }: Pick<StepPlan, 'flows' | 'traffic' | 'listenMs'>,
  { endpoints, bridgeMacs, runTag }: FilterInput,
): string {
  if (listenMs !== null) return '';
  const ends = traffic.flatMap(({ from, to }) => [from, to]).flatMap((name) => endpoints.get(name)?.macs ?? []);
  const macs = new Set<Mac>();
  for (const flow of kindsOfFlows(flows)) {
    if (flow.frame.form === 'source-sweep') return ''; // as many sources as frames
    macs.add(flow.frame.srcMac);
    // Entry controls have the sender's rightful MAC, whatever its probes have.
    for (const mac of endpoints.get(flow.sender)?.macs.slice(0, 1) ?? []) macs.add(mac);
    if (macs.size > maxMacs) return '';
  }
  for (const mac of [...ends, ...Object.values(bridgeMacs), ingressMac]) macs.add(mac);
  return macs.size > maxMacs || flows.length + traffic.length === 0
    ? ''
    : [...[...macs].map((mac) => `ether src ${mac}`), ...(flows.length === 0 ? [] : [tokenWord(runTag)])].join(' or ');
}
