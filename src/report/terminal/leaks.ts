import type { Finding, Result, StepEvent } from '../../core/model/result.js';
import { counted, escapeText } from '../../core/text/escape.js';
import { foldInARow, groupByPair, kindNumbers, numbering } from '../group.js';
import { beforeAfterText, fixStories, persistentLines, outcomeText, reachTexts } from '../stories.js';
import { foldAfter, type Paint } from './layout.js';

const maxShown = 24;

/** Leaks of one pair at one observer, whatever carried them. */
type Group = readonly Finding[];

/** Groups of one pair whose observers overheard the same, for the same cause. */
type Story = readonly Group[];

function pairOf([head]: Group): { readonly from: string; readonly to: string | null } {
  return { from: head?.from ?? '', to: head?.to ?? null };
}

function together(findings: readonly Finding[]): readonly Group[] {
  return groupByPair(
    findings.filter(({ leak }) => leak),
    (finding) => finding,
    ({ observer }) => observer,
  );
}

/**
 * A function that gives a key of what was seen of a group's frames, and why. `kindOf`, `causesOf`: what of kind and
 * causes counts.
 */
function seenKeys(
  kindOf: (finding: Finding) => number,
  causesOf: (finding: Finding) => unknown,
): (group: Group) => string {
  const whyOf = numbering<string>();
  const why = (finding: Finding): string =>
    finding.accepted === undefined && finding.causes.length === 0
      ? ''
      : String(whyOf(JSON.stringify([finding.accepted ?? null, causesOf(finding)])));
  return (group) =>
    group
      .map((finding) => `${kindOf(finding)} ${finding.sent} ${finding.seen} ${finding.direction} ${why(finding)}`)
      .join();
}

/** Pairs whose observers overheard the same, for the same cause, reported once: `a1, a2, a3 and 197 more`. */
function alike(groups: readonly Group[]): readonly Story[] {
  return groupByPair(
    groups,
    pairOf,
    seenKeys(
      kindNumbers(({ class: name, carrier, vlan }) => [name, carrier, vlan]),
      ({ causes }) => causes,
    ),
  );
}

/** The finding of a story that has no other. */
function onlyFinding(story: Story): Finding | null {
  const [group] = story;
  return story.length === 1 && group?.length === 1 ? (group[0] ?? null) : null;
}

/**
 * Two stories of one leak each of which nothing is known to explain it, and of which the same is reported but for the
 * addressee and the frames.
 */
function isReportedAlike(story: Story, second: Story): boolean {
  const a = onlyFinding(story);
  const b = onlyFinding(second);
  return (
    a !== null &&
    b !== null &&
    a.from === b.from &&
    a.observer === b.observer &&
    a.class === b.class &&
    a.carrier === b.carrier &&
    a.vlan === b.vlan &&
    a.variant === b.variant &&
    a.sent === b.sent &&
    a.seen === b.seen &&
    a.direction === b.direction &&
    a.accepted === b.accepted &&
    a.causes.length === 0 &&
    b.causes.length === 0
  );
}

function addStory(groups: Group[], story: Story): void {
  for (const group of story) groups.push(group);
}

/**
 * Stories of one sender that the same overheard as much of, for the same causes, whatever the addressee, reported
 * together.
 */
function foldAddressees(stories: readonly Story[]): readonly Story[] {
  const nameOf = numbering<string>();
  const seenKey = seenKeys(
    kindNumbers(({ class: name, carrier, vlan, variant }) => [name, carrier, vlan, variant ?? null]),
    ({ causes }) => causes.map(({ code }) => code),
  );
  const keyOf = (story: Story): string => {
    const [group = []] = story;
    return `${nameOf(pairOf(group).from)} ${story.map(([row]) => nameOf(row?.observer ?? '')).join()} ${seenKey(group)}`;
  };
  return foldInARow<Story, Group[]>(stories, {
    keyOf,
    isAlike: isReportedAlike,
    begin: (story) => [...story],
    add: addStory,
  });
}

function someNames(names: readonly string[]): string {
  const some = (names.length > 4 ? names.slice(0, 3) : names).map(escapeText).join(', ');
  return names.length > 4 ? `${some} and ${names.length - 3} more` : some;
}

const maxWindows = 3;

/** When it leaked, and what the step let happen meanwhile; nothing where the step has no events. */
function windowLines(rows: readonly Finding[], events: readonly StepEvent[], width: number): readonly string[] {
  const windows = rows.flatMap((row) => row.windows ?? []);
  if (windows.length === 0) return [];
  const longest = [...windows]
    .sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))
    .slice(0, maxWindows)
    .sort((a, b) => a.fromMs - b.fromMs);
  const groups = longest.map(
    ({ fromMs, toMs, frames }) =>
      `${fromMs} to ${toMs} ms (${Math.round((toMs - fromMs) * 10) / 10} ms, ${counted(frames, 'frame')})`,
  );
  const meanwhile = events.map(
    ({ commands, fromMs, toMs }) =>
      `${fromMs} to ${toMs === null ? '?' : `${toMs} ms`}: ${commands.map((command) => escapeText(command.join(' '))).join(' · ')}`,
  );
  return [
    ...foldAfter(
      '          in windows: ',
      `${groups.join(', ')}${windows.length > longest.length ? ` and ${windows.length - longest.length} more` : ''}`,
      width,
    ),
    ...meanwhile.flatMap((line) => foldAfter('          meanwhile, at ', line, width)),
  ];
}

/** `5 of 10 raw, 3 native http`: what was seen of the frames of a pair, by what carried them. */
function seenCountsText(group: Group): string {
  return group
    .map(({ seen, sent, carrier, class: name, variant = '' }) => {
      const kind = `${carrier === 'native' ? name : carrier}${variant === '' ? '' : ` ${variant}`}`;
      return `${seen}${sent === null ? '' : ` of ${sent}`} ${kind}`;
    })
    .join(', ');
}

/** Where the first of its frames is in the evidence; '' = no frame is shown. */
function firstFrameText(story: Story): string {
  const [first] = story
    .flat()
    .flatMap(({ firstSighting }) => firstSighting ?? [])
    .sort((a, b) => a.frame - b.frame);
  return first === undefined ? '' : `; first in frame ${first.frame}, ${escapeText(first.at)}`;
}

function pairStoryText(story: Story): string {
  const [group = []] = story;
  const named = (of: (finding: Finding) => string): string =>
    someNames([...new Set(story.flatMap(([row]) => (row === undefined ? [] : [of(row)])))]);
  const observers = named(({ observer }) => observer);
  const each = story.length > 1 ? 'each ' : '';
  const inferred = group.some(({ direction }) => direction === 'inferred') ? '; direction inferred' : '';
  return `${escapeText(pairOf(group).from)} → ${named(({ to }) => to ?? 'all')} overheard by ${observers}: ${each}${seenCountsText(group)}${firstFrameText(story)}${inferred}`;
}

/** Who accepts the leak; nothing where nobody does. */
function acceptedLines(group: Group, width: number): readonly string[] {
  const [accepted] = group.flatMap((finding) => finding.accepted ?? []);
  if (accepted === undefined) return [];
  const { reason, owner, until } = accepted;
  const text = `accepted: ${escapeText(reason)}${owner === null ? '' : `, ${escapeText(owner)}`}${until === null ? '' : `, until ${escapeText(until)}`}`;
  return foldAfter('          ', text, width);
}

/** Each cause once, with its fix and what that costs. */
function causeLines(group: Group, width: number, paint: Paint): readonly string[] {
  const causes = new Map(
    group.flatMap((finding) => finding.causes).map((cause) => [`${cause.code} ${cause.place}`, cause]),
  );
  return [...causes.values()].flatMap(({ text, fix, cost, lasting }) => [
    ...foldAfter('          because ', escapeText(text), width),
    ...(fix === '' ? [] : [`          fix: ${paint(escapeText(fix), 'bold')}`]),
    ...(cost === undefined ? [] : foldAfter('          it costs ', escapeText(cost), width)),
    ...persistentLines(lasting, '          '),
  ]);
}

function leakStoryLines(
  story: Story,
  step: number,
  events: readonly StepEvent[],
  width: number,
  paint: Paint,
): readonly string[] {
  const [group = []] = story;
  if (group.length === 0) return [];
  return [
    ...foldAfter(`  step ${step + 1}  `, pairStoryText(story), width),
    ...windowLines(story.flat(), events, width),
    ...acceptedLines(group, width),
    ...causeLines(group, width, paint),
  ];
}

/** What leaked: pair, observer, counts, first frame; nothing where nothing did. */
export function terminalLeaks(result: Result, width: number, paint: Paint): readonly string[] {
  const stories = result.steps.map((step) => alike(together(step.findings)));
  const many = stories.flat().length > maxShown;
  const groups = result.steps.flatMap((step, index) =>
    (many ? foldAddressees(stories[index] ?? []) : (stories[index] ?? [])).map((story) => ({
      story,
      index,
      events: step.events ?? [],
    })),
  );
  if (groups.length === 0) return [];
  const more = groups.length - maxShown;
  return [
    paint('What leaked', 'bold'),
    ...groups
      .slice(0, maxShown)
      .flatMap(({ story, index, events }) => leakStoryLines(story, index, events, width, paint)),
    ...(more > 0 ? [`  and ${more} more, all of them in result.json`] : []),
    ...reachTexts(result)
      .slice(0, maxShown)
      .flatMap((text) => foldAfter('  ', escapeText(text), width)),
    '',
  ];
}

/**
 * What became of the fixes that were tried: frames leaked before → after, and the commands to paste; nothing where none
 * was.
 */
export function terminalFixes(result: Result, width: number, paint: Paint): readonly string[] {
  const stories = fixStories(result);
  if (stories.length === 0) return [];
  return [
    paint('Fixes that were tried in the lab: frames leaked before → after', 'bold'),
    ...stories.flatMap(({ step, fix }) => [
      ...foldAfter(
        `  step ${step + 1}  `,
        escapeText(`${beforeAfterText(fix)}  ${outcomeText(fix)}  ${fix.cause}: ${fix.text}`),
        width,
      ),
      ...fix.commands.map((command) => `          ${escapeText(command)}`),
    ]),
    '',
  ];
}
