import type { Flow, Observer } from '../../model/plan.js';
import { partyOf } from '../parties.js';
import { sentOf } from '../proof/step-facts.js';
import type { OpenByDesign, RowInput } from './probe-row.js';

/** Who sent and who saw frames of one kind of an entry that has `open_by_design`. */
interface Openness {
  /** Frames of every flow were sent. A run that was ended early may not have come to those of most guests. */
  whole: boolean;
  /** To whom frames were sent; empty where they are for nobody alone, as broadcasts are. */
  readonly addressees: Set<string>;
  readonly senders: Set<string>;
  readonly openSenders: Set<string>;
  readonly openObservers: Set<string>;
}

function kindOf({ probe, carrier, variant = '', vlan }: Flow): string {
  return `${probe} ${carrier} ${variant} ${vlan.join()}`;
}

/**
 * What the scenario calls open by design, and is: at least half of those whom it names see frames of the kind, of at
 * least half of the senders. What fewer are open to is not a design but a barrier that is missing there; where flows
 * were not sent, of those counts who is the addressee of one that was. What stands on the bridge and is no endpoint's
 * gets what is for all like them. One pass over the sightings; nothing where the step names nobody.
 */
export function openByDesign({
  step,
  facts,
  tally,
  parties,
}: Pick<RowInput, 'step' | 'facts' | 'tally' | 'parties'>): OpenByDesign {
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
      kinds.set(
        key,
        (kind = {
          whole: true,
          addressees: new Set(),
          senders: new Set(),
          openSenders: new Set(),
          openObservers: new Set(),
        }),
      );
    if (sentOf(facts, flow) === 0) kind.whole = false;
    else {
      kind.senders.add(flow.sender);
      if (flow.to !== null) kind.addressees.add(flow.to);
    }
    for (const name of tally.sightings.observersOf(flow)) {
      const party = partyByName.get(name) ?? name;
      if (!named.has(party) || parties.isOfSender(flow, party)) continue;
      kind.openSenders.add(flow.sender);
      kind.openObservers.add(party);
    }
  });
  const general = new Set(
    [...kinds].flatMap(([key, { whole, addressees, senders, openSenders, openObservers }]) => {
      const isAsked = (name: string): boolean =>
        // A single sender is none of its own observers
        (senders.size > 1 || !senders.has(name)) && (whole || addressees.size === 0 || addressees.has(name));
      const asked = [...(open.get(Number(key.split(' ')[0])) ?? [])].filter(isAsked);
      const openAsked = whole ? openObservers.size : asked.filter((name) => openObservers.has(name)).length;
      return openAsked * 2 >= asked.length && openSenders.size * 2 >= senders.size ? [key] : [];
    }),
  );
  const isNamed = (flow: Flow, observer: Observer): boolean =>
    observer.device !== undefined && observer.party === undefined
      ? open.has(flow.probe)
      : open.get(flow.probe)?.has(partyOf(observer)) === true;
  return (flow, observer) => isNamed(flow, observer) && general.has(kindOf(flow));
}
