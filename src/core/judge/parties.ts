import type { Flow, Observer, Plan } from '../model/plan.js';
import type { Endpoint } from '../model/scenario.js';
import type { HostState, StepStates } from '../model/state.js';

/** Which endpoints belong together: a guest may have several interfaces. */
export interface Parties {
  /** Does the observer belong to the sender of the flow? */
  isOfSender(flow: Flow, observer: string): boolean;
  /** The other endpoints of its owner. */
  othersOf(endpoint: string): readonly string[];
}

const noOthers: readonly string[] = [];

/** Parties by `owner`; an endpoint without one is a party of its own. */
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
  return {
    othersOf: (endpoint) => others.get(endpoint) ?? noOthers,
    isOfSender: (flow, observer) =>
      observer === flow.sender ||
      observer === flow.from ||
      (owners.size > 0 && (sameOwner(observer, flow.sender) || sameOwner(observer, flow.from))),
  };
}

/** The endpoint that an observer belongs to: what stands above a bridge may be a listed endpoint's. */
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

/** MACs that a bridge learned at a port; a static entry says what somebody wrote, not who spoke there. */
function learnedAt({ fdb }: HostState, { bridge, interface: port }: Observer): readonly string[] {
  return fdb
    .filter((entry) => entry.master === bridge && entry.port === port && !['permanent', 'static'].includes(entry.state))
    .map(({ mac }) => mac);
}

/**
 * The MACs that are an observer's own: those that are listed, and those that the bridge had learned at its port before
 * the step and has there after it, but for what another endpoint has by the plan or at another port.
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
