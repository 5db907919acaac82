import { type BarrierCode, settingBarrierCodes } from '../../model/codes.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { Finding, Held, HeldBarrier } from '../../model/result.js';
import type { StepStates } from '../../model/state.js';
import type { MeasuredEnds, TraceLine } from '../../model/timeline.js';
import type { RowContext } from '../../bridge/row-context.js';
import { sampledFrames } from '../../plan/traced-sample.js';
import { forTokens } from '../count/token-ranges.js';
import { rowContexts } from '../rows/row-contexts.js';
import { barriers, lastBarriers } from './barriers.js';

const maxExplained = 2000;
const maxPlaces = 20;

interface BarrierInPlace {
  readonly code: BarrierCode;
  readonly text: string;
  readonly opens: string;
  readonly place: string;
}

function barriersInPlace(row: RowContext): readonly BarrierInPlace[] {
  const inTheWay = settingBarrierCodes.flatMap((code) => {
    const { text, opens, find } = barriers[code];
    const place = find(row);
    return place === null ? [] : [{ code, text, opens, place }];
  });
  if (inTheWay.length > 0) return inTheWay;
  const filtered = lastBarriers.filter.find(row);
  const [code, place] = filtered === null ? (['unexplained', ''] as const) : (['filter', filtered] as const);
  const { text, opens } = lastBarriers[code];
  return [{ code, text, opens, place }];
}

interface Group {
  readonly class: string;
  readonly carriers: Set<string>;
  readonly from: Set<string>;
  readonly observers: Set<string>;
  readonly barriers: Map<string, BarrierInPlace & { readonly places: Set<string> }>;
}

function heldOf(group: Group): Held {
  const standing = [...group.barriers.values()].map(
    ({ code, text, opens, places }): HeldBarrier => ({
      code,
      places: [...places].filter((place) => place !== '').slice(0, maxPlaces),
      ...(places.size > maxPlaces ? { morePlaces: places.size - maxPlaces } : {}),
      text,
      opens,
    }),
  );
  return {
    class: group.class,
    carriers: [...group.carriers],
    from: [...group.from],
    observers: [...group.observers],
    alone: standing.length === 1,
    barriers: standing,
  };
}

interface MeasuredBy {
  readonly trace: readonly TraceLine[];
  readonly isSampled: boolean;
}

/** Only devices of the bridges' namespace: frames that a guest drops have reached it. */
function measuredOf(
  { class: probed, carriers, from }: Group,
  { flows }: StepPlan,
  { trace, isSampled }: MeasuredBy,
): Pick<Held, 'measured'> {
  if (trace.length === 0) return {};
  const ofGroup = flows.filter((flow) => flow.class === probed && carriers.has(flow.carrier) && from.has(flow.from));
  const ends = new Map<
    string,
    { readonly place: Omit<MeasuredEnds['dropped'][number], 'probes'>; tokens: Set<number> }
  >();
  for (const line of trace) {
    if (line.place !== 'drop' || line.device?.home !== true) continue;
    const { device, reason, function: name = 'a function without name' } = line;
    const place = { function: name, device: device.name ?? '', ...(reason === undefined ? {} : { reason }) };
    const end = ends.get(JSON.stringify(place)) ?? { place, tokens: new Set<number>() };
    for (const { first, count } of ofGroup)
      forTokens(line.tokens, { first, end: first + count }, (token) => end.tokens.add(token));
    if (end.tokens.size > 0) ends.set(JSON.stringify(place), end);
  }
  const dropped = [...ends.values()].map(({ place, tokens }) => ({ ...place, probes: tokens.size }));
  const ended = new Set([...ends.values()].flatMap(({ tokens }) => [...tokens]));
  const sent = ofGroup.reduce((sum, flow) => sum + (isSampled ? sampledFrames(flow) : flow.count), 0);
  return { measured: { dropped, notCopied: sent - ended.size, ...(isSampled ? { sampled: sent } : {}) } };
}

/**
 * Reasons why a step holds: by class, the barriers before observers without frames, by the state around the step.
 * `alone`: there is one only. Empty if the state was not read. `measured`: by the trace, if that saw all ends.
 */
export function whyHolds(
  rows: readonly Finding[],
  plan: Plan,
  step: StepPlan,
  states: StepStates,
  measured: MeasuredBy = { trace: [], isSampled: false },
): readonly Held[] {
  const groups = new Map<string, Group>();
  const zeros = rows.filter(
    (row) =>
      row.allowed === 'no' &&
      row.seen === 0 &&
      (row.sent ?? 0) > 0 &&
      row.grouped === undefined &&
      row.carrier !== 'native',
  );
  const contextOf = rowContexts(plan, step, states);
  for (const row of zeros.slice(0, maxExplained)) {
    const context = contextOf(row);
    if (context === null) continue;
    const standing = barriersInPlace(context);
    const key = JSON.stringify([row.class, standing.map(({ code }) => code)]);
    const group = groups.get(key) ?? {
      class: row.class,
      carriers: new Set(),
      from: new Set(),
      observers: new Set(),
      barriers: new Map<string, BarrierInPlace & { readonly places: Set<string> }>(),
    };
    groups.set(key, group);
    group.carriers.add(row.carrier);
    group.from.add(row.from);
    group.observers.add(row.observer);
    for (const barrier of standing) {
      const known = group.barriers.get(barrier.code) ?? { ...barrier, places: new Set<string>() };
      known.places.add(barrier.place);
      group.barriers.set(barrier.code, known);
    }
  }
  return [...groups.values()].map((group) => ({ ...heldOf(group), ...measuredOf(group, step, measured) }));
}
