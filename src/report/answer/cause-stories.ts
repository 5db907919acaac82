import { isOfBridge } from '../../core/bridge/weaknesses.js';
import { classes } from '../../core/probe/classes.js';
import type { ProbeClass } from '../../core/probe/probe-class.js';
import { leakGroups } from '../../core/judge/explain/leak-groups.js';
import type { ProvenFix } from '../../core/model/fix.js';
import type { Finding, GroupCause, LeakGroup, Result, StepResult } from '../../core/model/result.js';

const gains = ['low', 'medium', 'high'] as const;

export type Gain = (typeof gains)[number];

const descriptions = new Map<string, ProbeClass>(Object.entries(classes));

/** Of several flows each observer may be another's addressee: then the rows show it. */
function isOverheard({ cause, from, to, observers }: LeakGroup, rows: readonly Finding[]): boolean {
  if (from.includes('*') || observers.some((name) => !to.includes(name))) return true;
  return rows.some(
    (row) => row.leak && row.grouped === undefined && row.causes[0]?.code === cause && row.observer !== row.to,
  );
}

/** Guests' own traffic is high. Unicast that reaches only its addressee is medium, unless it is an attack. */
export function severityOf(group: LeakGroup, rows: readonly Finding[] = []): Gain {
  const overheard = isOverheard(group, rows);
  const ranks = group.classes.map((name) => {
    const { severity = 'high', attack } = descriptions.get(name) ?? {};
    return gains.indexOf(severity === 'high' && attack === undefined && !overheard ? 'medium' : severity);
  });
  return gains[Math.max(0, ...ranks)] ?? 'high';
}

/** Leaks of a run with one cause. */
export interface CauseStory {
  /** From 0. */
  readonly steps: readonly number[];
  readonly failing: boolean;
  readonly group: LeakGroup;
  /** The worst of its steps. */
  readonly severity: Gain;
  readonly tried: readonly ProvenFix[];
}

/** Leaks of a step by cause: as judged, or from the rows of older rules. */
export function groupsOf(step: StepResult): readonly LeakGroup[] {
  return step.groups ?? leakGroups(step.findings);
}

function union<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return [...new Set([...a, ...b])];
}

function mergeCauses(a: readonly GroupCause[], b: readonly GroupCause[]): readonly GroupCause[] {
  const merged = new Map(a.map((cause) => [cause.code, cause]));
  for (const cause of b) {
    const known = merged.get(cause.code);
    merged.set(
      cause.code,
      known === undefined
        ? cause
        : {
            ...known,
            places: union(known.places, cause.places),
            fixes: union(known.fixes, cause.fixes),
            rows: known.rows + cause.rows,
            ...((known.lasting ?? cause.lasting) === undefined
              ? {}
              : { lasting: union(known.lasting ?? [], cause.lasting ?? []) }),
          },
    );
  }
  return [...merged.values()];
}

/** Answers do not count beside probes. */
function mergeFrames(a: LeakGroup, b: LeakGroup): Pick<LeakGroup, 'sent' | 'seen'> {
  if (a.answers !== b.answers) return a.answers === true ? b : a;
  return { sent: a.sent === null || b.sent === null ? null : a.sent + b.sent, seen: a.seen + b.seen };
}

function merge(a: LeakGroup, b: LeakGroup): LeakGroup {
  const { answers, ...rest } = a;
  const { sent, seen } = mergeFrames(a, b);
  return {
    ...rest,
    ...(answers === true && b.answers === true ? { answers } : {}),
    from: union(a.from, b.from),
    to: union(a.to, b.to),
    observers: union(a.observers, b.observers),
    classes: union(a.classes, b.classes),
    carriers: union(a.carriers, b.carriers),
    rows: a.rows + b.rows,
    sent,
    seen,
    firstSighting: a.firstSighting ?? b.firstSighting,
    causes: mergeCauses(a.causes, b.causes),
  };
}

function kindOfPlace({ cause, causes }: LeakGroup): string {
  const [place = ''] = causes[0]?.places ?? [];
  return isOfBridge(cause) ? place : '';
}

/** Unexpected leaks first, then by severity, then by number. */
export function causeStories(result: Result): readonly CauseStory[] {
  const stories = new Map<
    string,
    { readonly steps: number[]; readonly failing: boolean; group: LeakGroup; severity: Gain }
  >();
  result.steps.forEach((step, at) => {
    for (const group of groupsOf(step)) {
      const failing = !step.asExpected && group.accepted === undefined;
      const key = JSON.stringify([group.cause, kindOfPlace(group), failing, group.accepted ?? null]);
      const known = stories.get(key);
      const severity = severityOf(group, step.findings);
      if (known === undefined) stories.set(key, { steps: [at], failing, group, severity });
      else {
        if (known.steps.at(-1) !== at) known.steps.push(at);
        known.group = merge(known.group, group);
        if (gains.indexOf(severity) > gains.indexOf(known.severity)) known.severity = severity;
      }
    }
  });
  const reported = [...stories.values()].map(
    (story): CauseStory => ({
      ...story,
      tried: story.steps.flatMap((at) => result.steps[at]?.fixes ?? []),
    }),
  );
  const rank = ({ severity }: CauseStory): number => gains.indexOf(severity);
  return reported.sort(
    (a, b) => Number(b.failing) - Number(a.failing) || rank(b) - rank(a) || b.group.rows - a.group.rows,
  );
}
