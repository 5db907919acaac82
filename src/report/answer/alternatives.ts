import { prices } from '../../core/bridge/weakness.js';
import { causePhrase, fixCost, fixPrice } from '../../core/bridge/weaknesses.js';
import type { PersistentFix, ProvenFix } from '../../core/model/fix.js';
import type { LeakGroup, Result } from '../../core/model/result.js';
import { beforeAfterText, outcomeText } from '../stories.js';
import { causeStories, type CauseStory } from './cause-stories.js';
import { type Audience, whoText } from './participants.js';
import { countText } from '../../core/text/names.js';

/** One way to end the leaks of a story. */
export interface Alternative {
  readonly cause: string;
  /** Why they leak: a main clause. */
  readonly phrase: string;
  /** All of them belong to it; empty where nothing can be typed. */
  readonly commands: readonly string[];
  /** The price: which endpoint loses which traffic; '' = not known. */
  readonly cost: string;
  /** Its outcome where it was tried: `WORKS (20 → 0 frames)`; '' = it was not. */
  readonly tried: string;
  /** How it came out where it was tried: the worst of several trials. */
  readonly outcome: FixOutcome;
  /** Guests would lose each other, ARP or the network by it. */
  readonly cutsOff: boolean;
  /** Which of the leaks it ends; '' = all of them. */
  readonly part: string;
  readonly persistent: readonly PersistentFix[];
}

/** True if a fix may be advised: it was shown to work, it was not tried, or it does harm or nothing. */
type FixOutcome = 'works' | 'untried' | 'fails';
const outcomes: readonly FixOutcome[] = ['works', 'untried', 'fails'];

function outcomeOf(trials: readonly ProvenFix[]): FixOutcome {
  if (trials.length === 0) return 'untried';
  if (trials.some(({ outcome }) => !['works', 'partly', 'unproven'].includes(outcome))) return 'fails';
  return trials.every(({ outcome }) => outcome === 'works') ? 'works' : 'untried';
}

/**
 * Does a fix of that price cut guests off? Separation is the aim if addressees are reached. It also is if one port
 * alone lacks a setting of the others.
 */
function isCutOff({ observers, to }: LeakGroup, price: number, commands: number): boolean {
  const separates = price >= prices.apart && commands > 1 && !observers.every((name) => to.includes(name));
  return price >= prices.cutOff || separates;
}

/**
 * Ways to end the leaks of a story, one or the other. First what was shown to work, last what was shown to fail;
 * among these what ends all leaks before what ends some, and then what costs least.
 */
export function alternativesOf({ group, tried }: CauseStory): readonly Alternative[] {
  const options = group.causes.map((cause): Alternative & { readonly price: number } => {
    const trials = tried.filter((fix) => fix.cause === cause.code);
    const { places, fixes, ...known } = cause;
    const foundFix = { ...known, place: places.join(', '), fix: fixes.join(' && ') };
    const price = fixPrice(cause.code, foundFix);
    return {
      price,
      cutsOff: isCutOff(group, price, fixes.length),
      cause: cause.code,
      phrase: causePhrase(cause),
      commands: cause.fixes,
      cost: cause.cost ?? fixCost(cause.code, foundFix) ?? '',
      part: cause.rows >= group.rows ? '' : `${countText(cause.rows)} of ${countText(group.rows)} leaks`,
      persistent: cause.lasting ?? [],
      tried: [...new Set(trials.map(triedText))].join(', '),
      outcome: outcomeOf(trials),
    };
  });
  return [...options].sort(
    (a, b) =>
      outcomes.indexOf(a.outcome) - outcomes.indexOf(b.outcome) ||
      Number(a.part !== '') - Number(b.part !== '') ||
      a.price - b.price,
  );
}

/** `CUTS OFF (ARP): bob (20 → 0 frames)` */
function triedText(fix: ProvenFix): string {
  return `${outcomeText(fix)} (${beforeAfterText(fix)} frames)`;
}

/** Why the leaks of a story happen, by their most specific cause. */
export function storyPhrase({ group }: CauseStory): string {
  const cause = group.causes.find(({ code }) => code === group.cause);
  return cause === undefined ? group.cause : causePhrase(cause);
}

/**
 * The fix that may be advised and typed: the first that was not shown to fail and cuts no guest off. Of several stories
 * it is one that was shown to work.
 */
export function firstFix(stories: readonly CauseStory[]): Alternative | null {
  const fixes = stories.flatMap((story) => {
    const first = alternativesOf(story).find(
      ({ commands, outcome, cutsOff }) => commands.length > 0 && outcome !== 'fails' && !cutsOff,
    );
    return first === undefined ? [] : [first];
  });
  return fixes.find(({ outcome }) => outcome === 'works') ?? fixes[0] ?? null;
}

const maxDevices = 12;
/** A word of a command that names a device, bare or quoted, behind `dev` or `port`. */
const devicePattern = /(?<= dev )('[^']*'|\S+)/;

/** The commands of each device, with a variable in its place; null where one names no device. */
function byDevice(commands: readonly string[]): ReadonlyMap<string, string> | null {
  const lines = new Map<string, string>();
  for (const command of commands) {
    const [device] = devicePattern.exec(command) ?? [];
    if (device === undefined) return null;
    const line = command.replace(devicePattern, '"$dev"');
    lines.set(device, lines.has(device) ? `${lines.get(device) ?? ''}; ${line}` : line);
  }
  return lines;
}

/**
 * Commands in one line that can be pasted: those that differ in the device alone as a loop. What is left out is
 * reported behind it.
 */
export function commandsText(commands: readonly string[]): { readonly line: string; readonly more: number } {
  const [first = ''] = commands;
  if (commands.length <= 2) return { line: commands.join(' && '), more: 0 };
  const lines = byDevice(commands);
  const [loop, ...others] = new Set(lines?.values());
  if (lines === null || loop === undefined || others.length > 0 || lines.size === 1)
    return { line: commands.join(' && '), more: 0 };
  return lines.size <= maxDevices && !first.startsWith('ssh ')
    ? { line: `for dev in ${[...lines.keys()].join(' ')}; do ${loop}; done`, more: 0 }
    : { line: first, more: commands.length - 1 };
}

/** Commands in one line, with the number of those that are left out; '' = none. */
export function commandsLine(commands: readonly string[]): string {
  const { line, more } = commandsText(commands);
  return more === 0 ? line : `${line} (and ${countText(more)} more like it)`;
}

/** The outcome of a fix, the leaks that it ends, and its price; '' = nothing of it is known. */
export function priceText({ tried, part, cost, cutsOff }: Omit<Alternative, 'persistent'>): string {
  return [
    ...(tried === '' ? [] : [`tried: ${tried}`]),
    ...(cutsOff ? ['cuts guests off'] : []),
    ...(part === '' ? [] : [`ends ${part}`]),
    ...(cost === '' ? [] : [`costs: ${cost}`]),
  ].join('; ');
}

/** A cause with its leaks in one line: `kali3 receives …: br0 is a hub. Fix: … (costs: …), or …`. */
export function storyLine(story: CauseStory, audience: Audience): string {
  const { accepted } = story.group;
  const options = alternativesOf(story)
    .filter(({ commands }) => commands.length > 0)
    .map((way) => `${commandsLine(way.commands)}${priceText(way) === '' ? '' : ` (${priceText(way)})`}`);
  return [
    `${whoText(story.group, audience)}: ${storyPhrase(story)}.`,
    ...(options.length === 0 ? [] : [`Fix: ${options.join(', or ')}.`]),
    ...(accepted === undefined ? [] : [`Accepted: ${accepted.reason}.`]),
  ].join(' ');
}

/** The causes of the leaks of one step that were not expected. */
export function failingStoriesOf(result: Result, at: number): readonly CauseStory[] {
  const step = result.steps[at];
  return step === undefined ? [] : causeStories({ ...result, steps: [step] }).filter(({ failing }) => failing);
}
