import type { Flow, Observer } from '../model/plan.js';
import type { Endpoint } from '../model/scenario.js';

/** Which endpoints belong together: a guest may have several interfaces. */
export interface Parties {
  /** Does the observer belong to the sender of the flow? */
  isOfSender(flow: Flow, observer: string): boolean;
  /** The other endpoints of its owner. */
  othersOf(endpoint: string): readonly string[];
}

/** Parties by `owner`; an endpoint without one is a party of its own. */
export function createParties(endpoints: readonly Endpoint[]): Parties {
  const owners = new Map(endpoints.flatMap(({ name, owner }) => (owner === undefined ? [] : [[name, owner] as const])));
  const sameOwner = (one: string, other: string): boolean => {
    const owner = owners.get(one);
    return owner !== undefined && owner === owners.get(other);
  };
  const others = new Map(
    [...owners].map(([name, owner]) => [
      name,
      [...owners].filter(([other, of]) => other !== name && of === owner).map(([other]) => other),
    ]),
  );
  return {
    othersOf: (endpoint) => others.get(endpoint) ?? [],
    isOfSender: (flow, observer) =>
      observer === flow.sender ||
      observer === flow.from ||
      (owners.size > 0 && (sameOwner(observer, flow.sender) || sameOwner(observer, flow.from))),
  };
}

/** Whom an observer is of: what stands above a bridge may be a listed endpoint's. */
export function partyOf({ name, party }: Pick<Observer, 'name' | 'party'>): string {
  return party ?? name;
}

/** Is a token of the flow that is seen towards this observer a leak? */
export function isLeak(flow: Flow, observer: Observer, parties: Parties): boolean {
  const name = partyOf(observer);
  return (
    observer.judged &&
    flow.judged &&
    !flow.must.includes(name) &&
    !flow.may.includes(name) &&
    !parties.isOfSender(flow, name)
  );
}
