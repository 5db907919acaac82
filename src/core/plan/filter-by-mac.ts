import type { StepPlan } from '../model/plan.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import { kindsOfFlows } from './flows/shortcuts.js';
import { tokenWord } from '../wire/token-filter.js';
import { ingressMac } from './ingress-controls.js';

/** Beyond this many source MACs a filter costs the kernel more than it saves; then everything is taken. */
export const maxMacs = 16;

/** What a filter has to know beside the step. */
export interface FilterInput {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly runTag: number;
}

/**
 * The filter of a step in the lab: by source MAC, since tags of received frames are held aside by the kernel and `ether
 * proto` would miss tagged ones; never `inbound` or `outbound` (libpcap issues 1482, 1402, 1254). The bridges' MACs
 * belong to it: routed frames carry them; so does the source of controls that enter. And by the token, for what on its
 * way gets another MAC or goes into another frame. '' takes everything.
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
    // Entry controls carry the sender's rightful MAC, whatever its probes carry.
    for (const mac of endpoints.get(flow.sender)?.macs.slice(0, 1) ?? []) macs.add(mac);
    if (macs.size > maxMacs) return '';
  }
  for (const mac of [...ends, ...Object.values(bridgeMacs), ingressMac]) macs.add(mac);
  return macs.size > maxMacs || flows.length + traffic.length === 0
    ? ''
    : [...[...macs].map((mac) => `ether src ${mac}`), ...(flows.length === 0 ? [] : [tokenWord(runTag)])].join(' or ');
}
