import type { Observer } from '../../model/plan.js';
import { answerVariant, type Finding } from '../../model/result.js';
import { ownMacs, partyOf } from '../parties.js';
import { endpointLikeness } from './endpoint-likeness.js';
import { type FoldedLeaks, LeakFolder, maxLeakRows } from './folded-leaks.js';
import { groupedRows, maxUngrouped } from './group-rows.js';
import {
  acceptedOf,
  allowanceOf,
  directionOf,
  firstSightingOf,
  type OpenByDesign,
  outcomeAt,
  probeRow,
  type RowInput,
  upperBound95,
} from './probe-row.js';
import { openByDesign } from './open-by-design.js';
import { rootRows } from './root-rows.js';
import { sourceRows } from './source-rows.js';
import { waysOf } from '../../plan/flows/shortcuts.js';

function trafficRows(input: RowInput): readonly Finding[] {
  const { step, facts, tally } = input;
  return step.traffic.flatMap((traffic, index) =>
    waysOf(traffic).flatMap(([way, from, to]) =>
      step.observers
        .filter((observer) => observer.judged && partyOf(observer) !== from)
        .map((observer): Finding => {
          const count = tally.traffic.get(`${index}/${way}/${observer.name}`);
          const sent = tally.trafficEntered.get(`${index}/${way}`) ?? 0;
          const seen = count?.frames ?? 0;
          const allowed = allowanceOf(partyOf(observer), traffic.must, traffic.may);
          const leak = allowed === 'no' && seen > 0;
          return {
            probe: index,
            class: traffic.kind,
            carrier: 'native',
            vlan: [],
            from,
            to,
            observer: observer.name,
            sent,
            seen,
            allowed,
            leak,
            upperBound95:
              allowed === 'no' && !leak ? upperBound95(tally.traffic.get(`${index}/${way}/${to}`)?.frames ?? 0) : null,
            direction: directionOf(facts, observer.name),
            firstSighting: firstSightingOf(count?.first),
            causes: [],
            ...(leak ? acceptedOf(step.expect.accept, observer.name, traffic.kind, input.day) : {}),
          };
        }),
    ),
  );
}

function foreignRows(input: RowInput): readonly Finding[] {
  const { plan, step, facts, tally } = input;
  if (step.listenMs === null) return [];
  const ownerOf = (mac: string): string => plan.endpoints.find((endpoint) => endpoint.macs.includes(mac))?.name ?? mac;
  const conversations = [...tally.foreign.values()].map(({ observer, src, dst, count }) => ({
    observer,
    from: ownerOf(src),
    to: ownerOf(dst),
    dst,
    count,
  }));
  return step.observers
    .filter((observer) => observer.judged && observer.place !== 'bridge')
    .flatMap((observer) => {
      const common = {
        probe: 0,
        class: 'foreign-unicast',
        carrier: 'native',
        vlan: [],
        observer: observer.name,
        sent: null,
        upperBound95: null,
        direction: directionOf(facts, observer.name),
        causes: [],
      };
      const macs = ownMacs(observer, plan.endpoints, input.states);
      const ofObserver = conversations.filter((talk) => talk.observer === observer.name && !macs.includes(talk.dst));
      if (ofObserver.length === 0)
        return [{ ...common, from: '*', to: '*', seen: 0, allowed: 'no', leak: false, firstSighting: null } as const];
      return ofObserver.map(
        ({ from, to, count }): Finding => ({
          ...common,
          from,
          to,
          seen: count.frames,
          allowed: 'no',
          leak: true,
          firstSighting: firstSightingOf(count.first),
          ...acceptedOf(step.expect.accept, observer.name, 'foreign-unicast', input.day),
        }),
      );
    });
}

function probeRows(input: RowInput, folder: LeakFolder, exposures: LeakFolder, open: OpenByDesign): readonly Finding[] {
  const { flows, expect } = input.step;
  const observers = input.step.observers.filter((observer) => observer.judged);
  if (flows.length * observers.length > maxUngrouped) {
    // A claim on single pairs needs their rows.
    const single = new Set(
      expect.seen.filter((claim) => claim.from !== null || claim.to !== null).map((claim) => claim.observer),
    );
    return groupedRows(input, observers, { single, folder, exposures, open });
  }
  return flows
    .filter((flow) => flow.judged)
    .flatMap((flow) =>
      observers
        .filter((observer) => !input.parties.isOfSender(flow, partyOf(observer)))
        .map((observer) => probeRow(flow, observer, input, open)),
    );
}

function answerRows(input: RowInput, open: OpenByDesign): readonly Finding[] {
  const { step, facts, tally, day } = input;
  const position = new Map(step.observers.map(({ name }, at) => [name, at]));
  const at = ({ name }: Observer): number => position.get(name) ?? 0;
  const answers = [...tally.answers.values()].sort((a, b) => a.flow.id - b.flow.id || at(a.observer) - at(b.observer));
  return answers.map(({ flow, observer, by, sequences, first }): Finding => {
    const { allowed, exposed } = outcomeAt(observer, flow, sequences.size, open);
    const leak = allowed === 'no';
    return {
      probe: flow.probe,
      class: flow.class,
      carrier: flow.carrier,
      vlan: flow.vlan,
      variant: answerVariant,
      from: by,
      to: flow.from,
      observer: observer.name,
      sent: null,
      seen: sequences.size,
      allowed,
      leak,
      upperBound95: null,
      direction: directionOf(facts, observer.name),
      firstSighting: firstSightingOf(first),
      causes: [],
      ...(exposed ? { exposed } : {}),
      ...(leak ? acceptedOf(step.expect.accept, observer.name, flow.class, day) : {}),
    };
  });
}

/** Rows, and leaks without own rows. */
export interface StepRows {
  readonly rows: readonly Finding[];
  readonly folded: readonly FoldedLeaks[];
  readonly exposed: readonly FoldedLeaks[];
}

/** In the plan's order, one for each flow and judged observer, except its sender. */
export function rowsOf(input: RowInput): StepRows {
  const likeness = endpointLikeness(input.plan, input.states);
  const folder = new LeakFolder(likeness, maxLeakRows);
  const exposures = new LeakFolder(likeness, 0);
  const open = openByDesign(input);
  const rows = [
    ...probeRows(input, folder, exposures, open),
    ...answerRows(input, open),
    ...sourceRows(input),
    ...rootRows(input.step, input.facts, input.states),
    ...trafficRows(input),
    ...foreignRows(input),
  ];
  return { rows, folded: folder.folded(), exposed: exposures.folded() };
}
