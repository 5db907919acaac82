import type { LeakGroup, Result } from '../../core/model/result.js';
import { groupsOf } from '../answer/cause-stories.js';
import { groupBy } from '../../core/text/collections.js';
import { counted } from '../../core/text/escape.js';
import { countText, cutText, setText } from '../../core/text/names.js';
import type { RunDetails } from '../reporter.js';
import { html, type Markup, nothing } from './markup.js';

const maxNames = 40;
const maxSets = 60;
const cell = 18;
const letter = 6.6;

type Heat = 'leak' | 'shown' | 'open' | 'doubt' | 'none';

interface NameSet {
  readonly names: readonly string[];
  readonly label: string;
}

/** Least first. */
const heats = ['open', 'shown', 'leak'] as const;

interface Leaks {
  readonly from: ReadonlySet<string>;
  readonly observers: ReadonlySet<string>;
  readonly classes: readonly string[];
  readonly heat: (typeof heats)[number];
  readonly rows: number;
}

function leaksBySets(result: Result, isSmall: boolean): readonly Leaks[] {
  return result.steps.flatMap((step): readonly Leaks[] => {
    const heatOfLeak = (accepted: unknown): Leaks['heat'] =>
      !step.asExpected && accepted === undefined ? 'leak' : 'shown';
    if (isSmall && !step.findings.some(({ grouped }) => grouped !== undefined)) {
      return step.findings
        .filter(({ leak, exposed, seen }) => leak || (exposed === true && seen > 0))
        .map(({ from, observer, class: name, accepted, leak, grouped = 1 }) => ({
          from: new Set([from]),
          observers: new Set([observer]),
          classes: [name],
          heat: leak ? heatOfLeak(accepted) : 'open',
          rows: grouped,
        }));
    }
    const setsOfGroup = (group: LeakGroup, heat: Leaks['heat']): Leaks => ({
      from: new Set(group.from),
      observers: new Set(group.observers),
      classes: group.classes,
      heat,
      rows: group.rows,
    });
    return [
      ...groupsOf(step).map((group) => setsOfGroup(group, heatOfLeak(group.accepted))),
      ...(step.exposures ?? []).flatMap((group) => (group.rows > 0 ? [setsOfGroup(group, 'open')] : [])),
    ];
  });
}

function namesOf(result: Result, details: RunDetails | null): readonly string[] {
  const names = new Set<string>();
  for (const { findings, groups = [] } of result.steps) {
    for (const { from, observer } of findings) if (from !== '*') names.add(from).add(observer);
    for (const { from, observers } of groups)
      for (const name of [...from, ...observers]) if (name !== '*') names.add(name);
  }
  const zones = new Map((details?.plan.endpoints ?? []).map(({ name, zone }) => [name, zone ?? '']));
  const zoneOf = (name: string): string => zones.get(name) ?? '';
  // Those of one zone stand beside each other.
  return [...names].sort((a, b) => zoneOf(a).localeCompare(zoneOf(b), 'en') || 0);
}

function setsOf(names: readonly string[], leaks: readonly Leaks[], details: RunDetails | null): readonly NameSet[] {
  if (names.length <= maxNames) return names.map((name) => ({ names: [name], label: name }));
  const zones = new Map((details?.plan.endpoints ?? []).map(({ name, zone }) => [name, zone ?? '']));
  const sets = groupBy(names, (name) => {
    const marks = leaks.map(({ from, observers }) => `${Number(from.has(name))}${Number(observers.has(name))}`);
    return `${zones.get(name) ?? ''} ${marks.join('')}`;
  });
  return [...sets].map(([key, alike]) => {
    const zone = key.slice(0, key.lastIndexOf(' '));
    return { names: alike, label: `${zone === '' ? '' : `${zone}: `}${setText(alike)}` };
  });
}

interface Overheard {
  heat: Leaks['heat'];
  readonly classes: Set<string>;
}

/** By `from * sets.length + observer`. */
function overheardOf(sets: readonly NameSet[], leaks: readonly Leaks[]): ReadonlyMap<number, Overheard> {
  const positions = new Map(sets.map(({ names: [name = ''] }, at) => [name, at]));
  const positionsIn = (names: ReadonlySet<string>): readonly number[] =>
    names.size < positions.size
      ? [...names].flatMap((name) => positions.get(name) ?? [])
      : [...positions].flatMap(([name, at]) => (names.has(name) ? [at] : []));
  const cells = new Map<number, Overheard>();
  for (const { from, observers, classes, heat } of leaks) {
    const ears = positionsIn(observers);
    for (const sender of positionsIn(from)) {
      for (const observer of ears) {
        const key = sender * sets.length + observer;
        const known = cells.get(key) ?? { heat, classes: new Set<string>() };
        if (heats.indexOf(heat) > heats.indexOf(known.heat)) known.heat = heat;
        for (const name of classes) known.classes.add(name);
        cells.set(key, known);
      }
    }
  }
  return cells;
}

function heatOf(overheard: Overheard | undefined, observer: NameSet, doubted: ReadonlySet<string>): Heat {
  if (overheard !== undefined) return overheard.heat;
  return observer.names.some((name) => doubted.has(name)) ? 'doubt' : 'none';
}

const words: Readonly<Record<Heat, string>> = {
  leak: 'overhears',
  shown: 'overhears, as expected or known,',
  open: 'receives, as bridges do by default,',
  doubt: 'was not proven to hear nothing of',
  none: 'overheard nothing of',
};

function cellMarkup([x, y]: readonly [number, number], heat: Heat, title: string, isSelf: boolean): Markup {
  const kind = isSelf ? 'self' : heat;
  const sign = { leak: '✖', shown: '◆', open: '○', doubt: '?', none: '', self: '' }[kind];
  const text =
    sign === ''
      ? nothing
      : html`<text class="small" x="${x + cell / 2}" y="${y + 13}" text-anchor="middle">${sign}</text>`;
  return html`<g><title>${title}</title><rect class="heat ${kind}" x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}"/>${text}</g>`;
}

function beyondText(sets: readonly NameSet[], leaks: readonly Leaks[]): string {
  const undrawn = Math.max(0, sets.length - maxSets);
  const senderless = leaks.reduce((sum, { from, rows }) => sum + (from.has('*') ? rows : 0), 0);
  return [
    ...(undrawn === 0 ? [] : [`; and ${countText(undrawn)} more rows and columns in result.json`]),
    ...(senderless === 0 ? [] : [`; and ${counted(senderless, 'leak')} without a known sender in result.json`]),
  ].join('');
}

/** Senders at the left, observers at the top. Above 40 endpoints, alike ones of a zone share a row. */
export function matrixMarkup(result: Result, details: RunDetails | null): Markup {
  const names = namesOf(result, details);
  const leaks = leaksBySets(result, names.length <= maxNames);
  const allSets = setsOf(names, leaks, details);
  const sets = allSets.slice(0, maxSets);
  if (sets.length === 0) return nothing;
  const doubted = new Set(result.steps.flatMap(({ reasons }) => reasons.flatMap(({ observer }) => observer ?? [])));
  const overheard = overheardOf(sets, leaks);
  const longest = Math.max(...sets.map(({ label }) => [...label].length));
  const labelWidth = Math.ceil(16 + letter * Math.min(30, longest));
  const headHeight = Math.ceil(16 + letter * Math.min(20, longest));
  const cells = sets.flatMap((from, y) =>
    sets.map((observer, x) => {
      const known = overheard.get(y * sets.length + x);
      const heat = heatOf(known, observer, doubted);
      const what = known === undefined ? '' : `: ${[...known.classes].join(', ')}`;
      const title = `${observer.label} ${words[heat]} ${from.label}${what}`;
      return cellMarkup(
        [labelWidth + x * cell, headHeight + y * cell],
        heat,
        title,
        x === y && from.names.length === 1,
      );
    }),
  );
  const rows = sets.map(
    ({ label }, at) =>
      html`<text class="small" x="${labelWidth - 6}" y="${headHeight + at * cell + 13}" text-anchor="end">${cutText(label, 30)}</text>`,
  );
  const columns = sets.map(({ label }, at) => {
    const [x, y] = [labelWidth + at * cell + 13, headHeight - 6];
    return html`<text class="small" transform="rotate(-60 ${x} ${y})" x="${x}" y="${y}">${cutText(label, 20)}</text>`;
  });
  const [width, height] = [labelWidth + sets.length * cell + 70, headHeight + sets.length * cell + 6];
  const count =
    sets.length < names.length ? `; ${countText(names.length)} endpoints, those that behave alike in one row` : '';
  return html`<p>Who sent stands at the left, who observed at the top. ✖ a leak · ◆ a leak that was expected, or is known · ○ open by design · ? not proven · empty: overheard nothing${count}${beyondText(allSets, leaks)}.</p><div class="wide" tabindex="0" role="region" aria-label="Matrix of who overheard whom"><svg class="map" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="Who overheard whom">${columns}${rows}${cells}</svg></div>`;
}
