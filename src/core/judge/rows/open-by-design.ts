import type { Flow } from '../../model/plan.js';
import { partyOf } from '../parties.js';
import type { OpenByDesign, RowInput } from './probe-row.js';

/** Who sent and who saw frames of one kind of an entry that has `open_by_design`. */
interface Openness {
  readonly senders: Set<string>;
  readonly openSenders: Set<string>;
  readonly openObservers: Set<string>;
}

function kindOf({ probe, carrier, variant = '', vlan }: Flow): string {
  return `${probe} ${carrier} ${variant} ${vlan.join()}`;
}

/**
 * What the scenario calls open by design, and is: at least half of those whom it names see frames of the kind, of at
 * least half of the senders. What fewer are open to is no design but a barrier that is missing there. One pass over the
 * sightings; nothing where the step names nobody.
 */
export function openByDesign({ step, tally, parties }: Pick<RowInput, 'step' | 'tally' | 'parties'>): OpenByDesign {
  const open = new Map((step.expect.open ?? []).map(({ probe, observers }) => [probe, new Set(observers)]));
  if (open.size === 0) return () => false;
  const partyByName = new Map(step.observers.map((observer) => [observer.name, partyOf(observer)]));
  const kinds = new Map<string, Openness>();
  step.flows.forEach((flow) => {
    const named = open.get(flow.probe);
    if (named === undefined || !flow.judged) return;
    const key = kindOf(flow);
    let kind = kinds.get(key);
    if (kind === undefined)
      kinds.set(key, (kind = { senders: new Set(), openSenders: new Set(), openObservers: new Set() }));
    kind.senders.add(flow.sender);
    for (const name of tally.seen.observersOf(flow)) {
      const party = partyByName.get(name) ?? name;
      if (!named.has(party) || parties.isOfSender(flow, party)) continue;
      kind.openSenders.add(flow.sender);
      kind.openObservers.add(party);
    }
  });
  const general = new Set(
    [...kinds].flatMap(([key, { senders, openSenders, openObservers }]) => {
      const named = open.get(Number(key.split(' ')[0])) ?? new Set();
      // A single sender is none of its own observers
      const asked = [...named].filter((name) => senders.size > 1 || !senders.has(name)).length;
      return openObservers.size * 2 >= asked && openSenders.size * 2 >= senders.size ? [key] : [];
    }),
  );
  return (flow, observer) => open.get(flow.probe)?.has(partyOf(observer)) === true && general.has(kindOf(flow));
}
