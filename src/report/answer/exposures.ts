import type { LeakGroup, Result } from '../../core/model/result.js';
import { nounFor } from '../../core/text/escape.js';
import { countText, setText } from '../../core/text/names.js';
import { runWord, type Word } from '../word.js';

/** An attack open to every guest. */
export interface Exposure {
  readonly what: string;
  /** The attack, and who gains. */
  readonly allows: string;
  /** Empty = nothing to type. */
  readonly fixes: readonly string[];
  /** '' = not known. */
  readonly cost: string;
  readonly observers: readonly string[];
}

const things: readonly {
  readonly classes: readonly string[];
  readonly causes?: readonly LeakGroup['cause'][];
  readonly what: string;
  readonly allows: string;
  /** Causes whose fix ends it. Absent: the first of its leaks. */
  readonly ends?: readonly LeakGroup['cause'][];
}[] = [
  {
    classes: ['unknown-unicast'],
    what: 'unknown unicast floods',
    allows: 'a guest that listens reads what is sent to one that was silent for longer than the ageing time',
  },
  {
    classes: ['mac-spoof', 'ip-spoof'],
    what: 'forged sources pass',
    ends: ['source-unchecked', 'rp-filter-off'],
    allows: 'a guest that attacks can speak as another, and draw its traffic to itself',
  },
  {
    classes: ['broadcast', 'arp-request'],
    what: 'broadcasts reach all guests',
    allows: 'a guest that listens learns who is there, and can answer for others (ARP, DHCP)',
  },
  {
    classes: ['multicast', 'link-local-multicast'],
    what: 'multicast reaches all guests',
    allows: 'a guest that listens reads groups that it has not joined',
  },
  {
    classes: ['routed-bounce'],
    causes: ['host-forwards', 'nat'],
    what: 'the host routes between guests',
    allows: 'a guest reaches another by way of the host',
  },
  {
    classes: ['aged-unicast'],
    what: 'frames to guests flood after a silence',
    allows: 'a guest that listens reads what is sent to them',
  },
  { classes: ['vlan-hop'], what: 'tagged frames pass', allows: 'a guest sends into another VLAN' },
];

const rest = { what: 'frames reach others than their addressee', allows: 'a guest that listens reads them' };

function fixOf(
  groups: readonly LeakGroup[],
  ends: readonly LeakGroup['cause'][] | null = null,
): Pick<Exposure, 'fixes' | 'cost'> {
  const causes = groups.flatMap((group) =>
    group.causes.filter(({ code, fixes }) => (ends ?? [group.cause]).includes(code) && fixes.length > 0),
  );
  const [best] = causes;
  // Of several bridges each has its part
  const alike = causes.filter(({ code }) => code === best?.code);
  return { fixes: [...new Set(alike.flatMap(({ fixes }) => fixes))], cost: best?.cost ?? '' };
}

function foreseen(groups: readonly LeakGroup[]): readonly Exposure[] {
  const causes = groups.flatMap((group) => group.causes);
  const observers = [...new Set(groups.flatMap((group) => group.observers))];
  return [...new Set(causes.map(({ value }) => value))].flatMap((value): readonly Exposure[] => {
    const alike = causes.filter((cause) => cause.value === value);
    const ports = [...new Set(alike.flatMap(({ places }) => places))].map((at) => at.replace(/\.learning$/, ''));
    const [first] = alike;
    return first === undefined
      ? []
      : [
          {
            what: `${setText(ports)} ${unlearnedText(value === 'off', ports.length === 1)}`,
            allows: 'a guest that listens reads it',
            fixes: first.fixes,
            cost: first.cost ?? '',
            observers,
          },
        ];
  });
}

function unlearnedText(hasEntry: boolean, isOne: boolean): string {
  if (!hasEntry)
    return `${isOne ? 'learns nothing and has' : 'learn nothing and have'} no entry: all frames to ${isOne ? 'it' : 'them'} flood`;
  return isOne
    ? 'learns nothing: once its entry expires, all frames to it flood'
    : 'learn nothing: once their entries expire, all frames to them flood';
}

function few(groups: readonly LeakGroup[]): readonly Exposure[] {
  const mine = groups.filter((group) => group.few === true);
  const observers = [...new Set(mine.flatMap((group) => group.observers))];
  return observers.length === 0
    ? []
    : [
        {
          what: `the host routes to ${setText(observers)}, and not to most other guests`,
          allows: 'a guest of another network gets there by way of the host',
          ...fixOf(mine),
          observers,
        },
      ];
}

/** Exposures of a run by design, each once. */
export function exposuresOf({ steps }: Pick<Result, 'steps'>): readonly Exposure[] {
  const listed = steps.flatMap((step) => step.exposures ?? []);
  const groups = listed.filter(({ rows }) => rows > 0);
  const shows = (
    group: LeakGroup,
    { classes, causes = [] }: Pick<(typeof things)[number], 'classes' | 'causes'>,
  ): boolean => causes.includes(group.cause) || group.classes.some((name) => classes.includes(name));
  const overheard = things.flatMap(({ what, allows, ends, ...thing }): readonly Exposure[] => {
    const mine = groups.filter((group) => group.few === undefined && shows(group, thing));
    if (mine.length === 0) return [];
    return [
      { what, allows, ...fixOf(mine, ends), observers: [...new Set(mine.flatMap(({ observers }) => observers))] },
    ];
  });
  const exposures = [...few(groups), ...foreseen(listed.filter(({ rows }) => rows === 0)), ...overheard];
  const others = groups.filter((group) => group.few === undefined && !things.some((thing) => shows(group, thing)));
  return others.length === 0
    ? exposures
    : [
        ...exposures,
        { ...rest, ...fixOf(others), observers: [...new Set(others.flatMap(({ observers }) => observers))] },
      ];
}

/** `EXPOSED: 3 things any guest can try`; '' = none. */
export function exposedText(result: Pick<Result, 'steps'>): string {
  const { length } = exposuresOf(result);
  return length === 0 ? '' : `EXPOSED: ${countText(length)} ${nounFor(length, 'thing')} any guest can try`;
}

/** The word of an expected outcome, with EXPOSED by design: `HOLDS, EXPOSED`. */
export function exposedWord(result: Result): Word {
  const word = runWord(result);
  return result.exitCode !== 0 || exposuresOf(result).length === 0
    ? word
    : { text: `${word.text}, EXPOSED`, tint: 'yellow' };
}

/** True if the last exposure above with a fix has the same fix and price. */
export function isFixedAbove(exposure: Exposure, exposures: readonly Exposure[]): boolean {
  const above = exposures.slice(0, exposures.indexOf(exposure)).findLast(({ fixes }) => fixes.length > 0);
  const textOf = ({ fixes, cost }: Exposure): string => JSON.stringify([fixes, cost]);
  return above !== undefined && textOf(above) === textOf(exposure);
}
