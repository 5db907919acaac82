import type { Flow, Observer } from '../model/plan.js';
import type { Finding } from '../model/result.js';
import { upperBound95 } from './bound.js';
import { provenOf, probeRow, directionOf, type RowInput } from './rows.js';
import { sentOf } from './step-facts.js';

/** A step with more rows than this has those grouped that say the same: a mesh of 1,000 guests has a billion. */
export const mostUngrouped = 10_000;

/** How many rows a group stands for, and the sums of what they say. */
interface Sums {
  rows: number;
  sent: number;
  seen: number;
  proven: number;
}

/** Flows that differ in their two ends only. */
interface Kind {
  readonly like: Flow;
  readonly all: Sums;
  /** By observer: what of `all` is no zero row of it, because it sends, may see or saw. */
  readonly except: Map<string, Sums>;
  /** By observer, allowance, and frames of each: rows of those who may or must see it that are all alike. */
  readonly alike: Map<string, { readonly observer: Observer; readonly allowed: Finding['allowed']; readonly sums: Sums }>;
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

function groupRow(kind: Kind, observer: Observer, allowed: Finding['allowed'], sums: Sums, input: RowInput): Finding {
  const { probe, class: probeClass, carrier, vlan, to, variant } = kind.like;
  return {
    probe, class: probeClass, carrier, vlan, ...(variant === undefined ? {} : { variant }), from: '*', to: to === null ? null : '*', observer: observer.name, sent: sums.sent, seen: sums.seen, allowed, leak: false,
    upperBound95: allowed === 'no' ? upperBound95(sums.proven) : null, direction: directionOf(input.facts, observer.name), firstSighting: null, causes: [], grouped: sums.rows,
  };
}

/**
 * The rows of a step's probes with those grouped from which nothing is lost: rows without a sighting of who must not see it,
 * and rows of who may or must where all frames or none arrived. A leak, a loss, and every row of an observer in `single` is
 * written down by itself. One pass over the flows and their sightings, whatever the number of observers.
 */
export function groupedRows(input: RowInput, judged: readonly Observer[], single: ReadonlySet<string>): readonly Finding[] {
  const { step, facts, tally } = input;
  const byName = new Map(judged.map((observer) => [observer.name, observer]));
  const place = new Map(judged.map((observer, index) => [observer.name, index]));
  const kinds = new Map<string, Kind>();
  const rows: Finding[] = [];
  for (const flow of step.flows) {
    if (!flow.judged) continue;
    const key = `${flow.probe} ${flow.class} ${flow.carrier} ${flow.variant ?? ''} ${flow.vlan.join()} ${flow.to === null ? '' : '*'}`;
    const kind: Kind = kinds.get(key) ?? { like: flow, all: none(), except: new Map(), alike: new Map() };
    if (kind.all.rows === 0) kinds.set(key, kind);
    const sent = sentOf(facts, flow);
    const proven = provenOf(flow, input);
    addTo(kind.all, sent, 0, proven);
    const special = new Set([flow.sender, flow.from, ...flow.must, ...flow.may, ...tally.seen.observersOf(flow), ...single]);
    for (const name of special) {
      const observer = byName.get(name);
      if (observer === undefined) continue;
      const except = kind.except.get(name) ?? none();
      kind.except.set(name, except);
      addTo(except, sent, 0, proven);
      if (name === flow.sender || name === flow.from) continue;
      const seen = tally.seen.count(flow, name);
      const allowed = flow.must.includes(name) ? 'must' : flow.may.includes(name) ? 'may' : 'no';
      const plain = !single.has(name) && allowed !== 'no' && (seen === sent || (seen === 0 && allowed === 'may'));
      if (!plain) {
        rows.push(probeRow(flow, observer, input));
        continue;
      }
      const alikeKey = `${name} ${allowed} ${sent} ${seen}`;
      const alike = kind.alike.get(alikeKey) ?? { observer, allowed, sums: none() };
      kind.alike.set(alikeKey, alike);
      addTo(alike.sums, sent, seen, proven);
    }
  }
  for (const kind of kinds.values()) {
    const alike = [...kind.alike.values()].sort((a, b) => (place.get(a.observer.name) ?? 0) - (place.get(b.observer.name) ?? 0));
    for (const { observer, allowed, sums } of alike) rows.push(groupRow(kind, observer, allowed, sums, input));
    for (const observer of judged) {
      const except = kind.except.get(observer.name) ?? none();
      const sums = { rows: kind.all.rows - except.rows, sent: kind.all.sent - except.sent, seen: 0, proven: kind.all.proven - except.proven };
      if (sums.rows > 0) rows.push(groupRow(kind, observer, 'no', sums, input));
    }
  }
  return rows;
}
