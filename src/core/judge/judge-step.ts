import type { Control, Observer, StepPlan } from '../model/plan.js';
import type { Finding, LeakGroup, ObserverResult, StepResult, Verdict } from '../model/result.js';
import { noiseAt } from './count/noise.js';
import { settleStackMade } from './count/stack-made.js';
import { ageingEntries } from './explain/ageing-entries.js';
import { createCauseFinding, withCauses } from './explain/cause-finding.js';
import { leakGroups, rankCauses } from './explain/leak-groups.js';
import { whyHolds } from './explain/why-holds.js';
import { usualDrainMs } from '../plan/observers.js';
import { bypassReasons } from './proof/bypass.js';
import { type EntryByForm, entryByForm, entryInStateReasons } from './proof/entry.js';
import { intervalsOf, isStranger, settingsBeyondEvents, unreadAround } from './proof/intervals.js';
import { observedOnlyReasons, passingPorts, strangerReasons } from './proof/coverage.js';
import { undoneReasons } from './proof/kept-changes.js';
import { missingProofs } from './proof/missing-proofs.js';
import { passingRules } from './proof/changed-rules.js';
import { unchangedReasons } from './proof/unchanged.js';
import { eventsOf } from './proof/windows.js';
import { reason, type Reason } from '../model/reasons.js';
import { carriersApart } from './rows/carriers-apart.js';
import { claimOutcome, claimText, unmetClaims } from './rows/claims.js';
import { acceptedOf, mayHaveAll, type RowInput } from './rows/probe-row.js';
import { rootReasons } from './rows/root-rows.js';
import { rowsOf } from './rows/rows.js';
import { judgeTrace } from './trace/traced-leaks.js';
import type { TraceInput } from './trace/traced-probes.js';
import { filled, given } from '../text/collections.js';

export interface StepInput extends RowInput, TraceInput {
  readonly captureReasons: readonly Reason[];
}

/** A judged step and its exit status. */
export interface JudgedStep {
  readonly result: StepResult;
  readonly exit: 0 | 2 | 3 | 4 | 69;
}

function observerResults(input: StepInput): readonly ObserverResult[] {
  const { step, facts, tally } = input;
  const byObserver = new Map<string, Control[]>(step.observers.map(({ name }) => [name, []]));
  for (const control of step.controls)
    if (control.kind === 'ear' || control.kind === 'entry') byObserver.get(control.observer)?.push(control);
  return step.observers.map((observer) => {
    const controls = byObserver.get(observer.name) ?? [];
    const counters = facts.stopped[observer.name] ?? facts.lastCounters[observer.name];
    return {
      name: observer.name,
      interface: observer.interface,
      engine: facts.listening.get(observer.name)?.engine ?? null,
      received: counters?.received ?? 0,
      dropped: counters?.dropped ?? 0,
      controlsSent: controls.filter((control) => facts.controlsAccepted.has(control.index)).length,
      controlsSeen: controls.filter((control) => tally.controls.has(control.index)).length,
      ...((counters?.dropped ?? 0) > 0 ? { noise: noiseAt(tally.noise, observer.name) } : {}),
    };
  });
}

function entryOf(input: StepInput): StepResult['entry'] {
  const entry = input.step.controls.filter((control) => control.kind === 'entry');
  return {
    sent: entry.filter((control) => input.facts.controlsAccepted.has(control.index)).length,
    seen: entry.filter((control) => input.tally.controls.has(control.index)).length,
  };
}

function explained(
  rows: readonly Finding[],
  verdict: Verdict,
  proven: boolean,
  { plan, step, states, facts }: StepInput,
  trace: StepInput['trace'],
): Pick<StepResult, 'held' | 'carriersApart'> {
  const held = verdict === 'holds' ? whyHolds(rows, plan, step, states, { trace, isSampled: facts.isSampled }) : [];
  const apart = proven ? carriersApart(rows, states) : [];
  return filled({ held, carriersApart: apart });
}

function verdictOf(rows: readonly Finding[], missing: readonly Reason[]): Verdict {
  if (rows.some((row) => row.leak && row.accepted === undefined)) return 'broken';
  return missing.length > 0 ? 'inconclusive' : 'holds';
}

/** 2: a leak beyond the expected. 4: a missing expected sighting. 3: no verdict. */
function exitOf(step: StepPlan, verdict: Verdict, outcomes: readonly string[]): 0 | 2 | 3 | 4 {
  if (verdict === 'broken' && (step.expect.expected === 'holds' || outcomes.includes('beyond'))) return 2;
  if (verdict === 'inconclusive') return 3;
  return verdict === step.expect.expected && outcomes.every((outcome) => outcome === 'held') ? 0 : 4;
}

function changedMeanwhile({ step, facts, states, plan: { endpoints } }: StepInput): readonly Reason[] {
  const strangers = facts.ruleChangesMeanwhile.filter((change) => isStranger(step, change));
  return [
    ...unchangedReasons(
      step,
      intervalsOf(step, facts, states),
      endpoints,
      [...facts.ruleChanges, ...strangers],
      settingsBeyondEvents(step, facts),
    ),
    ...unreadAround(facts, states),
  ];
}

/** An observer accepted for every judged class may also see replayed tokens. */
function isFullyAccepted({ step, day }: StepInput, observer: string | null): boolean {
  if (observer === null || step.expect.accept.length === 0) return false;
  return step.flows.every(
    (flow) => !flow.judged || 'accepted' in acceptedOf(step.expect.accept, observer, flow.class, day),
  );
}

/** Replays make a step inconclusive only if no other leak decides it. */
function withoutDoubts(reasons: readonly Reason[], rows: readonly Finding[], input: StepInput): readonly Reason[] {
  const decided = rows.some((row) => row.leak && row.accepted === undefined);
  return reasons.filter(({ code, observer }) => code !== 'replayed' || !(decided || isFullyAccepted(input, observer)));
}

const noBypasses: ReturnType<typeof bypassReasons> = { reasons: [], trusted: [] };
const noForms: EntryByForm = { reasons: [], blocked: [] };

function stateReasons(
  input: StepInput,
  bypasses: ReturnType<typeof bypassReasons>,
  forms: EntryByForm,
): readonly Reason[] {
  const { step, facts, plan, states } = input;
  return [
    ...undoneReasons(plan, step, states, facts),
    ...changedMeanwhile(input),
    ...rootReasons(step, states),
    ...bypasses.reasons,
    ...entryInStateReasons(plan, step, states),
    ...forms.reasons,
    ...passingPorts(step, states, settingsBeyondEvents(step, facts)),
    ...strangerReasons(plan, step, states),
  ];
}

function exposureGroups(
  { flows, expect }: StepPlan,
  { rows, exposed: folded, causesAlike }: Pick<Examined, 'rows' | 'exposed' | 'causesAlike'>,
): readonly LeakGroup[] {
  const exposed = folded.length > 0 ? [] : rows.filter((row) => row.exposed === true);
  const groups = leakGroups(
    exposed.map((row) => ({ ...row, leak: true })),
    folded,
    causesAlike,
  );
  const isRouted = ({ classes }: LeakGroup): boolean => classes.join() === 'routed-bounce';
  const reached = new Set(groups.filter(isRouted).flatMap(({ observers }) => observers));
  if (reached.size === 0) return groups;
  const open = new Set(expect.open?.map(({ probe }) => probe));
  const tested = new Set(
    flows.flatMap(({ class: name, probe, to }) =>
      name === 'routed-bounce' && open.has(probe) && to !== null ? [to] : [],
    ),
  );
  const isFew = reached.size * 2 < tested.size;
  return groups.map((group) => (isFew && isRouted(group) ? { ...group, few: true } : group));
}

interface Examined extends Omit<ReturnType<typeof rowsOf>, 'rows'> {
  readonly rows: readonly Finding[];
  readonly groups: ReturnType<typeof leakGroups>;
  readonly causesAlike: Parameters<typeof leakGroups>[2];
  readonly missing: readonly Reason[];
  readonly bypasses: ReturnType<typeof bypassReasons>;
  readonly heldAtEntry: EntryByForm['blocked'];
  readonly reached: ReturnType<typeof judgeTrace>['reached'];
  readonly returned: ReturnType<typeof judgeTrace>['returned'];
  readonly isTraceClosed: boolean;
}

/** Bypasses do not count at an observer that a leak or its rights already decide. */
function bypassesBeside(
  input: StepInput,
  rows: readonly Finding[],
  folded: ReturnType<typeof rowsOf>['folded'],
  { bypasses: traced, isWhole: isTracedWhole }: ReturnType<typeof judgeTrace>,
): ReturnType<typeof bypassReasons> {
  const leakedAt = new Set([
    ...rows.filter((row) => row.leak && row.accepted === undefined).map(({ observer }) => observer),
    ...folded.filter(({ like }) => like.accepted === undefined).map(({ like }) => like.observer),
  ]);
  const isDecided = (observer: Observer): boolean => leakedAt.has(observer.name) || mayHaveAll(observer, input);
  return bypassReasons({ ...input, isDecided, passed: passedIn(input), traced, isTracedWhole });
}

function passedIn({ states, facts }: StepInput): ReturnType<typeof passingRules> {
  return passingRules(states, facts.ruleChangesMeanwhile);
}

function examine(input: StepInput, isIdle: boolean, hasFailed: boolean): Examined {
  const { step, plan, states } = input;
  const traced = judgeTrace(input); // before the rows are made: it adds to what they count
  const strangers = new Set(traced.strangers.map(({ name }) => name));
  const withStrangers = { ...step, observers: [...step.observers, ...traced.strangers] };
  const { rows: counted, folded, exposed } = rowsOf({ ...input, step: withStrangers });
  const bare = counted.filter(({ leak, observer }) => leak || !strangers.has(observer));
  const leaking = new Set([
    ...bare.filter(({ leak }) => leak).map(({ observer }) => observer),
    ...folded.map(({ like }) => like.observer),
  ]);
  const bypasses = isIdle || hasFailed ? noBypasses : bypassesBeside(input, bare, folded, traced);
  const forms = isIdle || hasFailed ? noForms : entryByForm(input);
  const reasonsAgainst = [
    ...input.captureReasons,
    ...(isIdle && !hasFailed ? [] : missingProofs({ ...input, endpoints: plan.endpoints })),
    ...(isIdle ? [] : observedOnlyReasons(plan, step)),
    ...(isIdle || hasFailed ? [] : stateReasons(input, bypasses, forms)),
    ...traced.reasons,
    ...traced.reasonsBeside(leaking),
  ];
  const finding = createCauseFinding(plan, withStrangers, states, input.facts.ruleChanges);
  const found = withCauses(bare, finding);
  const byReach = rankCauses([
    ...found.flatMap(({ leak, causes, grouped = 1 }) => (leak ? [{ rows: grouped, causes }] : [])),
    ...folded.map(({ like, rows: count }) => ({ rows: count, causes: finding.causesAlike(like) })),
  ]);
  const rows = found.map((row) => (row.causes.length < 2 ? row : { ...row, causes: byReach(row.causes) }));
  return {
    rows,
    folded,
    exposed,
    groups: leakGroups(rows, folded, (leak) => byReach(finding.causesAlike(leak))),
    causesAlike: finding.causesAlike,
    missing: withoutDoubts(reasonsAgainst, rows, input),
    bypasses,
    heldAtEntry: forms.blocked,
    reached: traced.reached,
    returned: traced.returned,
    isTraceClosed: traced.isClosed,
  };
}

function commonOf(
  input: StepInput,
  { rows, groups, heldAtEntry, reached, returned }: Examined,
): Pick<
  StepResult,
  | 'traced'
  | 'returned'
  | 'name'
  | 'expected'
  | 'findings'
  | 'groups'
  | 'observers'
  | 'entry'
  | 'heldAtEntry'
  | 'notAsked'
> &
  ReturnType<typeof eventsOf> {
  const { step, facts } = input;
  return {
    name: step.name,
    expected: step.expect.expected,
    findings: rows,
    ...filled({ groups }),
    observers: observerResults(input),
    entry: entryOf(input),
    ...filled({ heldAtEntry, traced: reached, returned }),
    ...given({ notAsked: step.notAsked }),
    ...eventsOf(step, facts),
  };
}

function openAndTrusted({
  trusted,
  reasons: _,
  ...others
}: ReturnType<typeof bypassReasons>): Pick<StepResult, 'trusted' | 'readers' | 'untrusted'> {
  return { ...filled({ trusted }), ...others };
}

/** Any leak → broken, else any missing proof → inconclusive, else holds. */
export function judgeStep(input: StepInput): JudgedStep {
  const { step, facts, plan } = input;
  const hasFailed = facts.outcome !== 'done';
  const isIdle = step.observers.length === 0;
  settleStackMade(input.states, input.tally);
  const examined = examine(input, isIdle, hasFailed);
  const { rows, missing, bypasses } = examined;
  const isUnsupported = missing.some(({ code }) => code === 'unsupported');
  const isUnjudged = (isIdle || step.expect.expected === null) && !hasFailed;
  if (isUnsupported || isUnjudged) {
    const result: StepResult = {
      ...commonOf(input, examined),
      verdict: null,
      asExpected: !isUnsupported,
      reasons: isIdle && !isUnsupported ? [] : missing,
    };
    return { result, exit: isUnsupported ? 69 : 0 };
  }
  const ageing = ageingEntries(plan, step, input.states.before);
  const exposures = [...exposureGroups(step, examined), ...(ageing === null ? [] : [ageing])];
  const claims = step.expect.seen.map((claim) => ({ claim, outcome: claimOutcome(claim, rows) }));
  const unmatched = claims
    .filter(({ outcome }) => outcome === 'unmatched')
    .map(({ claim }) => reason('claim-unmatched', claim.observer, claimText(claim)));
  const verdict = verdictOf(rows, missing);
  const outcomes = claims.map(({ outcome }) => outcome);
  const unmet = hasFailed ? [] : unmetClaims(claims);
  const exit = exitOf(step, verdict, outcomes);
  const result: StepResult = {
    ...commonOf(input, examined),
    verdict,
    asExpected: exit === 0,
    reasons: hasFailed ? missing : [...missing, ...unmatched],
    ...filled({ unmet, exposures }),
    ...openAndTrusted(bypasses),
    ...(step.drainMs > usualDrainMs(plan) ? { lingerMs: step.drainMs } : {}),
    ...explained(rows, verdict, missing.length === 0, input, examined.isTraceClosed ? input.trace : []),
  };
  return { result, exit };
}
