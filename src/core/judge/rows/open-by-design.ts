import { bareName } from '../../model/host-names.js';
import { type Flow, isBesideBridges, type Observer } from '../../model/plan.js';
import type { ProbeClassName } from '../../model/scenario.js';
import { TokenBits } from '../count/token-bits.js';
import { partyOf } from '../parties.js';
import { sentOf } from '../proof/step-facts.js';
import { allowanceAt, type OpenByDesign, type RowInput } from './probe-row.js';

class GuestPairs {
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #bits = new TokenBits();

  add(sender: string, receiver: string): void {
    this.#bits.set(this.#numberOf(sender), this.#numberOf(receiver));
  }

  partnersOf(name: string): number {
    const number = this.#numbers.get(name);
    if (number === undefined) return 0;
    return this.#names.reduce(
      (sum, _, at) => sum + Number(this.#bits.has(number, at) || this.#bits.has(at, number)),
      0,
    );
  }

  hasReceiver(sender: string, isMeant: (receiver: string) => boolean): boolean {
    const number = this.#numbers.get(sender);
    return number !== undefined && this.#names.some((name, at) => this.#bits.has(number, at) && isMeant(name));
  }

  hasSender(receiver: string, isMeant: (sender: string) => boolean): boolean {
    const number = this.#numbers.get(receiver);
    return number !== undefined && this.#names.some((name, at) => this.#bits.has(at, number) && isMeant(name));
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.push(name) - 1;
    this.#numbers.set(name, number);
    return number;
  }
}

interface Openness {
  readonly named: ReadonlySet<string>;
  /** Frames for one guest alone: a third one's share is not open by design. */
  readonly isAddressed: boolean;
  /** An interrupted run may have missed flows of most guests. */
  isComplete: boolean;
  /** Empty for broadcasts and the like. */
  readonly addressees: Set<string>;
  readonly senders: Set<string>;
  readonly sent: GuestPairs;
  readonly passed: GuestPairs;
}

interface Comparison {
  readonly odd: ReadonlySet<string>;
  readonly isOpen: boolean;
}

const unicastClasses: readonly ProbeClassName[] = ['known-unicast', 'routed-bounce', 'mac-spoof', 'ip-spoof'];

function isForOne({ class: name, to }: Flow): boolean {
  return to !== null && unicastClasses.includes(name);
}

function kindOf({ probe, carrier, variant = '', vlan }: Flow): string {
  return `${probe} ${carrier} ${variant} ${vlan.join()}`;
}

function opennessOf(flow: Flow, named: ReadonlySet<string>): Openness {
  return {
    named,
    isAddressed: isForOne(flow),
    isComplete: true,
    addressees: new Set(),
    senders: new Set(),
    sent: new GuestPairs(),
    passed: new GuestPairs(),
  };
}

function isHalf(part: number, total: number): boolean {
  return part * 2 >= total;
}

function askedOf({ named, isAddressed, isComplete, addressees, senders }: Openness): readonly string[] {
  const isForAll = addressees.size === 0 || (isComplete && !isAddressed);
  return [...named].filter(
    (name) =>
      // A single sender is none of its own observers
      (senders.size > 1 || !senders.has(name)) && (isForAll || addressees.has(name)),
  );
}

function partnersAsked(
  { named, isAddressed, isComplete, addressees, senders, sent }: Openness,
  { othersOf }: RowInput['parties'],
): (name: string) => number {
  if (addressees.size > 0 && (isAddressed || !isComplete)) return (name) => sent.partnersOf(name);
  const both = new Set([...named, ...senders]);
  const partnersOf = (name: string): ReadonlySet<string> => {
    if (!senders.has(name)) return senders;
    return named.has(name) ? both : named;
  };
  return (name) => {
    const partners = partnersOf(name);
    return partners.size - [name, ...othersOf(name)].filter((owned) => partners.has(owned)).length;
  };
}

/**
 * If most exchange frames with more than half of the others, none has a barrier. One that does so among few lacks the
 * others' barrier. The others' exchange is by design if at least half of them get it, from at least half of the
 * senders.
 */
function compare(kind: Openness, parties: RowInput['parties']): Comparison {
  const { senders, passed } = kind;
  const tested = askedOf(kind);
  const partners = partnersAsked(kind, parties);
  const odd = new Set(
    [...new Set([...tested, ...senders])].filter((name) => passed.partnersOf(name) * 2 > partners(name)),
  );
  if (isHalf(tested.filter((name) => odd.has(name)).length, tested.length)) return { odd: new Set(), isOpen: true };
  const isOther = (name: string): boolean => !odd.has(name);
  const [receivers, speakers] = [tested.filter(isOther), [...senders].filter(isOther)];
  const isOpen =
    isHalf(receivers.filter((name) => passed.hasSender(name, isOther)).length, receivers.length) &&
    isHalf(speakers.filter((name) => passed.hasReceiver(name, isOther)).length, speakers.length);
  return { odd, isOpen };
}

/**
 * Frames open by design both by the scenario and in fact. Guests of one bridge, or routed to, are compared: an opening
 * at few is a missing barrier. With unsent flows only addressees of sent ones count. Between bridges no barrier is
 * promised. Devices of no endpoint get frames open to all of a kind, or to every endpoint. Nothing if the step names no
 * guests.
 */
export function openByDesign({
  plan,
  step,
  facts,
  tally,
  parties,
}: Pick<RowInput, 'plan' | 'step' | 'facts' | 'tally' | 'parties'>): OpenByDesign {
  const open = new Map((step.expect.open ?? []).map(({ probe, observers }) => [probe, new Set(observers)]));
  if (open.size === 0) return () => false;
  const isForAll = (flow: Flow): boolean =>
    !isForOne(flow) &&
    step.observers.every(
      (observer) =>
        observer.device !== undefined ||
        isBesideBridges(observer) ||
        allowanceAt(observer, flow) !== 'no' ||
        parties.isOfSender(flow, partyOf(observer)),
    );
  const partyByName = new Map(step.observers.map((observer) => [observer.name, partyOf(observer)]));
  const bridges = new Map(plan.endpoints.map(({ name, bridge }) => [name, bareName(bridge)]));
  const isAcross = ({ sender, to }: Flow): boolean => to !== null && bridges.get(sender) !== bridges.get(to);
  const kinds = new Map<string, Openness>();
  step.flows.forEach((flow) => {
    const named = open.get(flow.probe);
    if (named === undefined || !flow.judged || isAcross(flow)) return;
    const kind = kinds.get(kindOf(flow)) ?? opennessOf(flow, named);
    kinds.set(kindOf(flow), kind);
    if (sentOf(facts, flow) === 0) kind.isComplete = false;
    else {
      kind.senders.add(flow.sender);
      if (flow.to !== null) kind.addressees.add(flow.to);
      if (flow.to !== null && !parties.isOfSender(flow, flow.to)) kind.sent.add(flow.sender, flow.to);
    }
    for (const name of tally.sightings.observersOf(flow)) {
      const party = partyByName.get(name) ?? name;
      // An addressee counts as a partner, named or not: so does its getting the frame
      const isPartner = kind.isAddressed ? party === flow.to : named.has(party);
      if (isPartner && !parties.isOfSender(flow, party)) kind.passed.add(flow.sender, party);
    }
  });
  const comparisons = new Map([...kinds].map(([key, kind]) => [key, compare(kind, parties)]));
  const isNamed = (flow: Flow, observer: Observer): boolean => {
    if (isBesideBridges(observer) || (isForOne(flow) && partyOf(observer) !== flow.to)) return false;
    return observer.device !== undefined && observer.party === undefined
      ? open.has(flow.probe) || isForAll(flow)
      : open.get(flow.probe)?.has(partyOf(observer)) === true;
  };
  return (flow, observer) => {
    if (!isNamed(flow, observer)) return false;
    if (isAcross(flow) || !open.has(flow.probe)) return true;
    const { odd, isOpen = false } = comparisons.get(kindOf(flow)) ?? {};
    return isOpen && odd?.has(flow.sender) !== true && odd?.has(partyOf(observer)) !== true;
  };
}
