import type { Result } from '../../core/model/result.js';
import { nounFor } from '../../core/text/escape.js';
import { countText, setText } from '../answer/participants.js';
import type { RunDetails } from '../reporter.js';
import { type Leaks, leaksBySets, maxNames, namesOf } from './heat.js';
import { html, type Markup, nothing } from './markup.js';

/** This many have an entry; those who overhear or are overheard come first. */
const maxEntries = 200;
/** Names in a list of an entry. */
const maxListed = 60;

interface Guest {
  readonly name: string;
  readonly hears: ReadonlySet<string>;
  readonly heardBy: ReadonlySet<string>;
  readonly classes: ReadonlySet<string>;
}

function guestOf(name: string, leaks: readonly Leaks[]): Guest {
  const [hears, heardBy, classes] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const leak of leaks) {
    const [isEar, isSender] = [leak.observers.has(name), leak.from.has(name)];
    if (isEar) for (const sender of leak.from) hears.add(sender);
    if (isSender) for (const observer of leak.observers) heardBy.add(observer);
    if (isEar || isSender) for (const each of leak.classes) classes.add(each);
  }
  hears.delete(name);
  heardBy.delete(name);
  return { name, hears, heardBy, classes };
}

function countOf(names: ReadonlySet<string>): string {
  return names.has('*') ? 'others' : countText(names.size);
}

function inShort({ hears, heardBy }: Guest): string {
  const parts = [
    ...(hears.size === 0 ? [] : [`overhears ${countOf(hears)}`]),
    ...(heardBy.size === 0 ? [] : [`is overheard by ${countOf(heardBy)}`]),
  ];
  return parts.join(', ') || 'overhears no one, is overheard by no one';
}

function listed(names: ReadonlySet<string>): string {
  const titles = [...names].map((name) => (name === '*' ? 'traffic between others' : name));
  if (titles.length === 0) return 'nobody';
  return titles.length <= maxListed ? titles.join(', ') : setText(titles);
}

/** Where it is attached and which addresses it has; nothing of one that is not in the plan. */
function placeRows(name: string, details: RunDetails | null): Markup {
  const endpoint = details?.plan.endpoints.find((each) => each.name === name);
  if (endpoint === undefined) return nothing;
  const { bridge, port, zone, macs, ips } = endpoint;
  const place = `${bridge}${port === null ? '' : `, port ${port}`}${zone === null ? '' : `, zone ${zone}`}`;
  const addresses = [...macs, ...ips.map(({ address }) => address)].join(' ');
  return html`<dt>at</dt><dd>${place}</dd><dt>addresses</dt><dd>${addresses}</dd>`;
}

function reasonRow(name: string, result: Result): Markup {
  const codes = result.steps.flatMap(({ reasons }) =>
    reasons.filter(({ observer }) => observer === name).map(({ code }) => code),
  );
  return codes.length === 0 ? nothing : html`<dt>not proven</dt><dd>${[...new Set(codes)].join(', ')}</dd>`;
}

function entry(guest: Guest, number: number, result: Result, details: RunDetails | null): Markup {
  const { name, hears, heardBy, classes } = guest;
  const look = `${hears.size > 0 ? ' hears' : ''}${heardBy.size > 0 ? ' heard' : ''}`;
  const what = classes.size === 0 ? nothing : html`<dt>by</dt><dd>${[...classes].join(', ')}</dd>`;
  return html`<details class="guest${look}"><summary>${hears.size > 0 ? '✖ ' : ''}${name} <span class="soft">${inShort(guest)}</span></summary><dl id="guest-${number}"><dt>overhears</dt><dd>${listed(hears)}</dd><dt>overheard by</dt><dd>${listed(heardBy)}</dd>${what}${reasonRow(name, result)}${placeRows(name, details)}</dl></details>`;
}

const filters = [
  { name: 'all', text: 'all' },
  { name: 'hears', text: 'who overhears' },
  { name: 'heard', text: 'who is overheard' },
  { name: 'quiet', text: 'neither' },
] as const;

/**
 * Each guest by itself: whom it overhears, who overhears it. An index of links opens an entry, and a choice shows some
 * of them; both are the browser's, no script's.
 */
export function guestsSection(result: Result, details: RunDetails | null): Markup {
  const names = namesOf(result, details);
  if (names.length === 0) return nothing;
  const leaks = leaksBySets(result, names.length <= maxNames);
  const touched = new Set(leaks.flatMap(({ from, observers }) => [...from, ...observers]));
  const sorted = [...names].sort(
    (a, b) => Number(touched.has(b)) - Number(touched.has(a)) || a.localeCompare(b, 'en', { numeric: true }),
  );
  const guests = sorted.slice(0, maxEntries).map((name) => guestOf(name, leaks));
  const index = guests.map(({ name, hears }, at) => {
    const sign = hears.size > 0 ? '✖ ' : '';
    return html`<a href="#guest-${at + 1}">${sign}${name}</a> `;
  });
  const choices = filters.map(({ name, text }) => {
    const checked = name === 'all' ? { markup: ' checked' } : nothing;
    return html`<label><input type="radio" name="filter" class="only-${name}"${checked}> ${text}</label> `;
  });
  const remaining = names.length - guests.length;
  const more =
    remaining === 0
      ? nothing
      : html`<p>${countText(remaining)} more ${nounFor(remaining, 'stands', 'stand')} in result.json${touched.size <= maxEntries ? '; none of them overhears or is overheard' : ''}.</p>`;
  return html`<section class="screen guests" aria-labelledby="guests"><h2 id="guests">Guest by guest</h2><p>A name leads to its entry; the browser's search finds what is folded away, too.</p><p class="index" tabindex="0" role="region" aria-label="Names">${index}</p><fieldset><legend>Show</legend>${choices}</fieldset>${guests.map((guest, at) => entry(guest, at + 1, result, details))}${more}</section>`;
}
