import type { Flow, Observer } from '../../model/plan.js';
import type { Finding } from '../../model/result.js';
import { inTurn, ofSender } from '../../plan/flows/shortcuts.js';
import { partyOf } from '../parties.js';
import { sentOf } from '../proof/step-facts.js';
import type { LeakFolder } from './folded-leaks.js';
import {
  acceptedOf,
  allowanceOfParty,
  directionOf,
  type OpenByDesign,
  outcomeAt,
  probeRow,
  provenOf,
  type RowInput,
  upperBound95,
} from './probe-row.js';

/** A mesh of 1,000 guests has a billion: larger steps group equal rows. */
export const maxUngrouped = 10_000;

interface Sums {
  rows: number;
  sent: number;
  seen: number;
  proven: number;
}

interface Alike {
  readonly observer: Observer;
  readonly allowed: Finding['allowed'];
  readonly leak: boolean;
  readonly exposed: boolean;
  readonly sent: number;
  readonly seen: number;
  readonly sums: Sums;
}

/** Rows listed singly, and the folder for others. */
export interface Grouping {
  readonly single: ReadonlySet<string>;
  readonly folder: LeakFolder;
  readonly exposures: LeakFolder;
  readonly open: OpenByDesign;
}

interface Kind {
  readonly like: Flow;
  readonly total: Sums;
  /** By observer: rows of `total` that are not zero rows, because it sends, may see or saw. */
  readonly except: Map<string, Sums>;
  readonly alike: Map<string, Alike[]>;
}

function none(): Sums {
  return { rows: 0, sent: 0, seen: 0, proven: 0 };
}

function addTo(sums: Sums, sent: number, seen: number, proven: number): void {
  sums.rows += 1;
  sums.sent += sent;
  sums.seen += seen;
  sums.proven += proven;
}

function groupRow(
  kind: Kind,
  { observer, allowed, leak, exposed }: Pick<Alike, 'observer' | 'allowed' | 'leak' | 'exposed'>,
  sums: Sums,
  input: RowInput,
): Finding {
  const { probe, class: probeClass, carrier, vlan, to, variant } = kind.like;
  return {
    probe,
    class: probeClass,
    carrier,
    vlan,
    ...(variant === undefined ? {} : { variant }),
    from: '*',
    to: to === null ? null : '*',
    observer: observer.name,
    sent: sums.sent,
    seen: sums.seen,
    allowed,
    leak,
    upperBound95: allowed === 'no' && !leak ? upperBound95(sums.proven) : null,
    direction: directionOf(input.facts, observer.name),
    firstSighting: null,
    causes: [],
    ...(exposed ? { exposed } : {}),
    grouped: sums.rows,
    ...(leak ? acceptedOf(input.step.expect.accept, observer.name, probeClass, input.day) : {}),
  };
}

function kindFinder(kinds: Map<string, Kind>): (flow: Flow) => Kind {
  let last: Kind | null = null;
  return (flow) => {
    const like = last?.like;
    if (
      last !== null &&
      like?.probe === flow.probe &&
      like.class === flow.class &&
      like.carrier === flow.carrier &&
      like.variant === flow.variant &&
      like.vlan === flow.vlan &&
      (like.to === null) === (flow.to === null)
    )
      return last;
    const key = `${flow.probe} ${flow.class} ${flow.carrier} ${flow.variant ?? ''} ${flow.vlan.join()} ${flow.to === null ? '' : '*'}`;
    last = kinds.get(key) ?? { like: flow, total: none(), except: new Map(), alike: new Map() };
    kinds.set(key, last);
    return last;
  };
}

interface Looked {
  readonly observer: Observer;
  readonly party: string;
  readonly isListed: boolean;
  flow: number;
  kind: Kind | null;
  except: Sums;
  alike: Alike[];
}

interface Turn {
  readonly flow: Flow;
  readonly kind: Kind;
  readonly sent: number;
  readonly proven: number;
}

function turnTo(looked: Looked, kind: Kind): void {
  const { name } = looked.observer;
  looked.kind = kind;
  looked.except = kind.except.get(name) ?? none();
  looked.alike = kind.alike.get(name) ?? [];
  kind.except.set(name, looked.except);
  kind.alike.set(name, looked.alike);
}

function alikeOf(
  { observer, alike }: Looked,
  { allowed, exposed, sent, seen }: Pick<Alike, 'allowed' | 'exposed' | 'sent' | 'seen'>,
): Sums {
  const leak = allowed === 'no';
  for (const group of alike)
    if (group.allowed === allowed && group.exposed === exposed && group.sent === sent && group.seen === seen)
      return group.sums;
  const sums = none();
  alike.push({ observer, allowed, leak, exposed, sent, seen, sums });
  return sums;
}

function isPlain(allowed: Finding['allowed'], sent: number, seen: number): boolean {
  return allowed !== 'no' && (seen === sent || (seen === 0 && allowed === 'may'));
}

/**
 * A step's rows. Rows without a forbidden sighting, and permitted rows with all frames or none, are grouped without
 * loss. Leaks up to the limit, losses, and rows of observers in `single` are listed. Further leaks go to `folder`.
 */
export function groupedRows(input: RowInput, judged: readonly Observer[], grouping: Grouping): readonly Finding[] {
  const grouper = new RowGrouper(input, judged, grouping);
  input.step.flows.forEach((flow) => {
    if (flow.judged) grouper.addFlow(flow);
  });
  return grouper.finish();
}

class RowGrouper {
  private readonly input: RowInput;
  private readonly judged: readonly Observer[];
  private readonly grouping: Grouping;
  private readonly byName: ReadonlyMap<string, Looked>;
  private readonly senderOf: (name: string) => Looked | undefined;
  private readonly lookedOf: (name: string) => Looked | undefined;
  private readonly othersOf: (sender: string) => readonly string[];
  private readonly singles: readonly Looked[];
  private readonly kinds = new Map<string, Kind>();
  private readonly kindOf = kindFinder(this.kinds);
  private readonly rows: Finding[] = [];
  private flows = 0;
  private leaks = 0;

  constructor(input: RowInput, judged: readonly Observer[], grouping: Grouping) {
    this.input = input;
    this.judged = judged;
    this.grouping = grouping;
    this.byName = new Map(
      judged.map((observer): [string, Looked] => [
        observer.name,
        {
          observer,
          party: partyOf(observer),
          isListed: observer.party === undefined,
          flow: 0,
          kind: null,
          except: none(),
          alike: [],
        },
      ]),
    );
    this.singles = [...grouping.single].flatMap((name) => this.byName.get(name) ?? []);
    this.lookedOf = inTurn((name) => this.byName.get(name));
    this.senderOf = ofSender((name) => this.byName.get(name));
    this.othersOf = ofSender((name) => input.parties.othersOf(name));
  }

  addFlow(flow: Flow): void {
    const { facts, tally } = this.input;
    this.flows += 1;
    const kind = this.kindOf(flow);
    const sent = sentOf(facts, flow);
    const proven = provenOf(flow, this.input);
    addTo(kind.total, sent, 0, proven);
    const turn: Turn = { flow, kind, sent, proven };
    const { sender, must, may } = flow;
    this.look(this.senderOf(sender), turn);
    if (flow.from !== sender) this.lookAt(flow.from, turn);
    for (const name of this.othersOf(sender)) this.lookAt(name, turn);
    for (const name of must) this.lookAt(name, turn);
    if (may !== must) for (const name of may) this.lookAt(name, turn);
    // Mostly only the intended observer saw it, already examined.
    const onlySeenBy = tally.sightings.onlyObserverOf(flow);
    if (onlySeenBy === null || must.length !== 1 || must[0] !== onlySeenBy)
      tally.sightings.eachObserver(flow, (name, tokens) => this.look(this.byName.get(name), turn, tokens));
    for (const looked of this.singles) this.look(looked, turn);
  }

  finish(): readonly Finding[] {
    for (const kind of this.kinds.values()) this.addGroups(kind);
    return this.rows;
  }

  private lookAt(name: string, turn: Turn): void {
    this.look(this.lookedOf(name), turn);
  }

  /** Skips zero rows unless wanted. `tokens`: those seen, if known. */
  private look(looked: Looked | undefined, turn: Turn, tokens: number | null = null): void {
    if (looked === undefined || looked.flow === this.flows) return;
    const { flow, kind, sent, proven } = turn;
    looked.flow = this.flows;
    if (looked.kind !== kind) turnTo(looked, kind);
    addTo(looked.except, sent, 0, proven);
    if (this.input.parties.isOfSender(flow, looked.party)) return;
    this.addRow(looked, turn, this.seenBy(turn, looked.observer.name, tokens));
  }

  private seenBy({ flow, proven }: Turn, name: string, tokens: number | null): number {
    if (tokens !== null) return tokens;
    return flow.must.length === 1 && name === flow.must[0]
      ? proven
      : this.input.tally.sightings.countTokens(flow, name);
  }

  private addRow(looked: Looked, turn: Turn, seen: number): void {
    const { flow, sent, proven } = turn;
    const allowed = allowanceOfParty(looked.party, looked.isListed, flow);
    // Nearly every row of a mesh is so.
    const { single, open } = this.grouping;
    const isExposed = allowed === 'must' && seen > 0 && open(flow, looked.observer);
    if (isPlain(allowed, sent, seen) && !isExposed && !single.has(looked.observer.name))
      addTo(alikeOf(looked, { allowed, exposed: false, sent, seen }), sent, seen, proven);
    else this.addUneven(looked, turn, seen);
  }

  private addUneven(looked: Looked, { flow, kind, sent, proven }: Turn, seen: number): void {
    const { single, folder, exposures, open } = this.grouping;
    const { observer } = looked;
    const { allowed, exposed } = outcomeAt(observer, flow, seen, open);
    const isLeak = allowed === 'no' && seen > 0;
    if (isLeak) this.leaks += 1;
    const isFolded = isLeak && this.leaks > folder.maxRows;
    const isGrouped = !single.has(observer.name) && (isFolded || exposed);
    if (isGrouped) addTo(alikeOf(looked, { allowed, exposed, sent, seen }), sent, seen, proven);
    const row = (): Finding => probeRow(flow, observer, this.input, open);
    if (exposed) exposures.add({ kind, flow, observer, sent, seen }, row);
    if (!isGrouped) this.rows.push(row());
    else if (isFolded) folder.add({ kind, flow, observer, sent, seen }, row);
  }

  private addGroups(kind: Kind): void {
    const { input, judged, rows } = this;
    for (const observer of judged)
      for (const alike of kind.alike.get(observer.name) ?? []) rows.push(groupRow(kind, alike, alike.sums, input));
    for (const observer of judged) {
      const except = kind.except.get(observer.name) ?? none();
      const sums = {
        rows: kind.total.rows - except.rows,
        sent: kind.total.sent - except.sent,
        seen: 0,
        proven: kind.total.proven - except.proven,
      };
      if (sums.rows > 0)
        rows.push(groupRow(kind, { observer, allowed: 'no', leak: false, exposed: false }, sums, input));
    }
  }
}
