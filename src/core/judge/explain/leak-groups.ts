import { deviceInPlace, isOfBridge } from '../../bridge/weaknesses.js';
import {
  answerVariant,
  type Cause,
  type Finding,
  type FirstSighting,
  type GroupCause,
  type LeakGroup,
} from '../../model/result.js';
import { commandText, fixCommands } from '../../fix/fix-text.js';
import type { Change } from '../../model/fabric.js';
import type { FoldedLeaks } from '../rows/folded-leaks.js';
import { given } from '../../text/collections.js';

const notExplained: Cause = {
  code: 'unexplained',
  place: '',
  value: '',
  text: 'these leaks were not explained one by one',
  fix: '',
};

interface PartialCause extends Omit<GroupCause, 'places' | 'fixes' | 'changes' | 'rows'> {
  readonly places: Set<string>;
  readonly fixes: Map<string, readonly Change[] | null>;
  rows: number;
}

interface PartialGroup {
  readonly first: Finding;
  readonly cause: Cause['code'];
  readonly from: Set<string>;
  readonly to: Set<string | null>;
  readonly observers: Set<string>;
  readonly classes: Set<string>;
  readonly carriers: Set<string>;
  readonly causes: Map<string, PartialCause>;
  common: ReadonlySet<string> | null;
  rows: number;
  sent: number | null;
  seen: number;
  readonly answers: { rows: number; seen: number };
  firstSighting: LeakGroup['firstSighting'];
}

interface Added extends Pick<FoldedLeaks, 'like' | 'rows' | 'seen'> {
  readonly from: Iterable<string>;
  readonly to: Iterable<string | null>;
  readonly sent: number | null;
}

/**
 * Orders causes: most leaks with fewest devices, then most specific. A port without a barrier precedes the floods to
 * every port. A cause at two ports for one leak comes last.
 */
export function rankCauses(
  leaks: readonly { readonly rows: number; readonly causes: readonly Cause[] }[],
): (causes: readonly Cause[]) => readonly Cause[] {
  const reach = new Map<Cause['code'], { rows: number; readonly devices: Set<string> }>();
  for (const { rows, causes } of leaks)
    for (const { code, place } of causes) {
      const known = reach.get(code) ?? { rows: 0, devices: new Set() };
      reach.set(code, known);
      known.rows += rows;
      for (const device of devicesOf(place)) known.devices.add(device);
    }
  const leaksPerDevice = ({ code }: Cause): number => {
    const { rows = 0, devices } = reach.get(code) ?? {};
    return rows / Math.max(1, devices?.size ?? 0);
  };
  return (causes) =>
    [...causes].sort(
      (a, b) => devicesOf(a.place).length - devicesOf(b.place).length || leaksPerDevice(b) - leaksPerDevice(a),
    );
}

function devicesOf(place: string): readonly string[] {
  return place.split(', ').map(deviceInPlace);
}

function begin(first: Finding, cause: Cause['code']): PartialGroup {
  return {
    first,
    cause,
    from: new Set(),
    to: new Set(),
    observers: new Set(),
    classes: new Set(),
    carriers: new Set(),
    causes: new Map(),
    common: null,
    rows: 0,
    sent: 0,
    seen: 0,
    answers: { rows: 0, seen: 0 },
    firstSighting: null,
  };
}

function addCause(group: PartialGroup, cause: Cause, rows: number): void {
  const { code, place, value, text, fix, changes = null, cost } = cause;
  let known = group.causes.get(code);
  if (known === undefined) {
    known = {
      code,
      places: new Set(),
      value,
      text,
      fixes: new Map(),
      ...given({ cost }),
      rows: 0,
    };
    group.causes.set(code, known);
  }
  known.rows += rows;
  // Many rows, few fixes: joined once, at the end.
  known.places.add(place);
  if (fix !== '') known.fixes.set(fix, changes);
}

function placesOf(texts: ReadonlySet<string>): readonly string[] {
  return [...new Set([...texts].flatMap((text) => (text === '' ? [] : text.split(', '))))];
}

function fixesOf(fixes: PartialCause['fixes']): Pick<GroupCause, 'fixes' | 'changes'> {
  const texts = [...fixes].flatMap(([text, changes]) =>
    changes === null ? [text] : fixCommands(changes).map(commandText),
  );
  const changes = [...fixes.values()].flatMap((each) => each ?? []);
  const isWhole = changes.length > 0 && ![...fixes.values()].includes(null);
  return { fixes: [...new Set(texts)], ...(isWhole ? { changes } : {}) };
}

function earlier(a: FirstSighting | null, b: FirstSighting | null): FirstSighting | null {
  if (a === null || b === null) return a ?? b;
  if (a.file !== b.file) return a.file.endsWith('.pcapng') ? a : b;
  return b.frame < a.frame ? b : a;
}

/** Of several senders none is in every leak. */
function commonEnds({ common }: PartialGroup, senders: ReadonlySet<string>, observer: string): ReadonlySet<string> {
  const ends = new Set(senders.size === 1 ? [...senders, observer] : [observer]);
  return common === null ? ends : new Set([...common].filter((name) => ends.has(name)));
}

function add(group: PartialGroup, { like, from, to, rows, sent, seen }: Added, causes: readonly Cause[]): void {
  if (group.common?.size !== 0) group.common = commonEnds(group, new Set(from), like.observer);
  for (const name of from) group.from.add(name);
  for (const name of to) group.to.add(name);
  group.observers.add(like.observer);
  group.classes.add(like.class);
  group.carriers.add(like.carrier);
  group.rows += rows;
  if (like.variant === answerVariant) {
    group.answers.rows += rows;
    group.answers.seen += seen;
  } else {
    group.sent = group.sent === null || sent === null ? null : group.sent + sent;
    group.seen += seen;
  }
  group.firstSighting = earlier(group.firstSighting, like.firstSighting);
  for (const cause of causes) addCause(group, cause, rows);
}

function finished(group: PartialGroup): LeakGroup {
  const { first, cause, common, rows, answers, firstSighting } = group;
  // The number of answers is unknown: beside probes they are not counted
  const isAnswers = answers.rows === rows;
  const { sent, seen } = isAnswers ? { sent: null, seen: answers.seen } : group;
  const [odd] = group.from.size > 1 && group.observers.size > 1 ? (common ?? []) : [];
  return {
    cause,
    from: [...group.from],
    to: [...group.to],
    observers: [...group.observers],
    classes: [...group.classes],
    carriers: [...group.carriers],
    rows,
    sent,
    seen,
    firstSighting,
    ...given({ odd, accepted: first.accepted }),
    ...(isAnswers ? { answers: true } : {}),
    causes: [...group.causes.values()].map(({ places, fixes, ...known }) => ({
      ...known,
      places: placesOf(places),
      ...fixesOf(fixes),
    })),
  };
}

/** A step's leaks by most specific cause, most rows first. `causesAlike` explains others; absent: unexplained. */
export function leakGroups(
  rows: readonly Finding[],
  folded: readonly FoldedLeaks[] = [],
  causesAlike: (leak: Finding) => readonly Cause[] = () => [],
): readonly LeakGroup[] {
  const groups = new Map<string, PartialGroup>();
  const addLeak = (added: Added): void => {
    const { like } = added;
    const known = like.causes.length > 0 ? like.causes : causesAlike(like);
    const causes = known.length > 0 ? known : [notExplained];
    const [first = notExplained] = causes;
    const place = isOfBridge(first.code) ? first.place : '';
    const key = `${first.code}|${place}|${like.accepted === undefined ? '' : JSON.stringify(like.accepted)}`;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = begin(like, first.code)));
    add(group, added, causes);
  };
  const oneByOne = folded.length > 0;
  for (const row of rows) {
    // Folded rows have their sets.
    if (!row.leak || (oneByOne && row.grouped !== undefined)) continue;
    const { from, to, sent, seen } = row;
    addLeak({ like: row, from: [from], to: [to], rows: row.grouped ?? 1, sent, seen });
  }
  for (const fold of folded) addLeak(fold);
  return [...groups.values()].sort((a, b) => b.rows - a.rows).map(finished);
}
