import type { Flow, Observer, Plan } from '../model/plan.js';
import type { Endpoint } from '../model/scenario.js';
import type { HostState, StepStates } from '../model/state.js';

/** Endpoints of one owner. */
export interface Parties {
  /** True of the sender and its owner's others. */
  isOfParty(flow: Flow, observer: string): boolean;
  /** The same, without those of the others that the flow has to reach. */
  isOfSender(flow: Flow, observer: string): boolean;
  othersOf(endpoint: string): readonly string[];
}

const noOthers: readonly string[] = [];

/** Parties by `owner`; an endpoint without one is alone. */
export function createParties(endpoints: readonly Endpoint[]): Parties {
  const owners = new Map(endpoints.flatMap(({ name, owner }) => (owner === undefined ? [] : [[name, owner] as const])));
  const sameOwner = (first: string, second: string): boolean => {
    const owner = owners.get(first);
    return owner !== undefined && owner === owners.get(second);
  };
  const others = new Map(
    [...owners].map(([name, owner]) => [
      name,
      [...owners].filter(([peer, of]) => peer !== name && of === owner).map(([peer]) => peer),
    ]),
  );
  const isSender = ({ sender, from }: Flow, observer: string): boolean => observer === sender || observer === from;
  const isOwners = ({ sender, from }: Flow, observer: string): boolean =>
    owners.size > 0 && (sameOwner(observer, sender) || sameOwner(observer, from));
  return {
    othersOf: (endpoint) => others.get(endpoint) ?? noOthers,
    isOfParty: (flow, observer) => isSender(flow, observer) || isOwners(flow, observer),
    isOfSender: (flow, observer) =>
      isSender(flow, observer) || (isOwners(flow, observer) && !flow.must.includes(observer)),
  };
}

/** A device above a bridge may be a listed endpoint's. */
export function partyOf({ name, party }: Pick<Observer, 'name' | 'party'>): string {
  return party ?? name;
}

/** True if the flow's token towards this observer is a leak. */
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

/** A static entry does not show a sender at its port. */
function learnedAt({ fdb }: HostState, { bridge, interface: port }: Observer): readonly string[] {
  return fdb
    .filter((entry) => entry.master === bridge && entry.port === port && !['permanent', 'static'].includes(entry.state))
    .map(({ mac }) => mac);
}

/**
 * An observer's listed MACs, and those learned at its port both before and after the step, without other endpoints' and
 * ports'.
 */
export function ownMacs(
  observer: Observer,
  endpoints: Plan['endpoints'],
  { before, after }: Pick<StepStates, 'before' | 'after'>,
): readonly string[] {
  if (observer.place !== 'port' || before === null || after === null) return observer.macs;
  const isOthers = (mac: string): boolean =>
    endpoints.some(({ name, macs }) => name !== partyOf(observer) && macs.includes(mac)) ||
    [...before.fdb, ...after.fdb].some((entry) => entry.mac === mac && entry.port !== observer.interface);
  const still = new Set(learnedAt(after, observer));
  return [...observer.macs, ...learnedAt(before, observer).filter((mac) => still.has(mac) && !isOthers(mac))];
}
