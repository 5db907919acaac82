import { causeCodes, fixCost, forwardingOf, weaknesses } from '../../bridge/weaknesses.js';
import { fixOnHost, fixText, isExecutable } from '../../fix/fix-text.js';
import { isBridged, isUnicast, mayForward, type RowContext } from '../../bridge/row-context.js';
import type { FoundCause } from '../../bridge/weakness.js';
import type { CauseCode, FoundCauseCode } from '../../model/codes.js';
import type { RuleChange } from '../../model/timeline.js';
import { changesText } from '../proof/changed-rules.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { Cause, Finding } from '../../model/result.js';
import type { HostState, StepStates } from '../../model/state.js';
import { endpointLikeness } from '../rows/endpoint-likeness.js';
import { rowContexts } from '../rows/row-contexts.js';

/** Beside such a cause alone a listening process may be the one that hands frames on. */
const openAnyway: readonly Cause['code'][] = ['not-isolated', 'source-unchecked'];

/** If one cause accounts for the leak, others are not accused beside it. */
function worthReporting(causes: readonly Cause[], leak: RowContext | null): readonly Cause[] {
  const has = (code: CauseCode): boolean => causes.some((cause) => cause.code === code);
  // a device on a bridge gets the bridge's frames, whatever the ports' settings
  if (has('above-bridge')) return causes.filter(({ code }) => code === 'above-bridge' || code === 'mirror');
  // a copy of what the bridge floods for want of an entry adds nothing; beside a copy no setting is at fault
  const byTable = causes.some(({ code }) => forwardingOf(code) === 'table');
  const isAddressee = leak !== null && leak.finding.observer === leak.finding.to;
  if (has('mirror') && !isAddressee)
    return causes.filter(({ code }) => (byTable ? code !== 'mirror' : forwardingOf(code) !== 'setting'));
  const isExplained = causes.some(({ code }) => code !== 'sniffer-on-host' && !openAnyway.includes(code));
  return causes.filter(
    ({ code }) => !(code === 'sniffer-on-host' && isExplained) && !(code === 'group-flood' && has('member')),
  );
}

/** A mesh may have a million leaks in a step. */
const maxExplained = 2000;

/** A rule may come after the first probe: then a later snapshot has it. */
const byRule: readonly CauseCode[] = ['mirror', 'policy-route'];

interface CauseInput {
  readonly plan: Plan;
  readonly later: readonly HostState[];
  readonly changes: readonly RuleChange[];
}

function findCause(leak: RowContext, code: FoundCauseCode, { later }: CauseInput): FoundCause | null {
  const { find } = weaknesses[code].cause;
  const cause = find(leak);
  if (cause !== null || !byRule.includes(code)) return cause;
  const [meanwhile] = later.flatMap((before) => find({ ...leak, before }) ?? []);
  return meanwhile === undefined
    ? null
    : { ...meanwhile, text: `${meanwhile.text}; it came while the probes were under way` };
}

function whyUnexplained(leak: RowContext | null, causes: readonly Cause[], { changes }: CauseInput): string | null {
  if (leak === null) return 'the state around the step was not read';
  const isCarried = isUnicast(leak) && !isBridged(leak) && causes.every(({ code }) => openAnyway.includes(code));
  if (changes.length > 0 && isCarried)
    return `rules of ${changesText(changes)} came and went while the probes were under way, and no snapshot has what carried these`;
  return causes.length > 0 ? null : 'nothing in the state around the step accounts for it';
}

function causesOf(leak: RowContext | null, input: CauseInput): readonly Cause[] {
  const { plan } = input;
  const candidates: readonly Cause[] =
    leak === null
      ? []
      : causeCodes.flatMap((code): readonly Cause[] => {
          if (forwardingOf(code) !== null && !mayForward(leak)) return [];
          const cause = findCause(leak, code, input);
          if (cause === null) return [];
          const hostFix = cause.fix === null ? null : fixOnHost(cause.fix, leak.bridge.name, plan);
          const fix = fixText(hostFix);
          const cost = fixCost(code, {
            place: cause.place,
            fix,
            ...(hostFix === null ? {} : { changes: hostFix.changes }),
          });
          return [
            {
              code,
              ...cause,
              fix,
              ...(hostFix === null || !isExecutable(hostFix) ? {} : { changes: hostFix.changes }),
              ...(cost === null ? {} : { cost }),
            },
          ];
        });
  const causes = worthReporting(candidates, leak);
  const why = whyUnexplained(leak, causes, input);
  return why === null ? causes : [{ code: 'unexplained', place: '', value: '', text: `unexplained: ${why}`, fix: '' }];
}

/** Finds the causes of a step's leaks. */
export interface CauseFinding {
  readonly causesOf: (leak: Finding) => readonly Cause[];
  readonly causesAlike: (leak: Finding) => readonly Cause[];
}

/**
 * Pure: from the plan and the states around the step, the earlier one if interrupted. `changes`: rule changes heard
 * meanwhile, with processes.
 */
export function createCauseFinding(
  plan: Plan,
  step: StepPlan,
  states: StepStates,
  changes: readonly RuleChange[] = [],
): CauseFinding {
  const after = states.after ?? states.before;
  const contextOf = rowContexts(plan, step, { ...states, after });
  const later = [...(states.during ?? []), after].filter((state) => state !== null);
  const input = { plan, later, changes };
  const likeness = endpointLikeness(plan, states);
  const known = new Map<string, readonly Cause[]>();
  const find = (leak: Finding): readonly Cause[] => causesOf(contextOf(leak), input);
  return {
    causesOf: find,
    causesAlike: (leak) => {
      const { probe, class: name, carrier, variant = '', vlan, from, to, observer, forms = {} } = leak;
      const key = [probe, name, carrier, variant, vlan, likeness(from), likeness(to), observer, Object.keys(forms)]
        .map(String)
        .join('|');
      const causes = known.get(key) ?? find(leak);
      known.set(key, causes);
      return causes;
    },
  };
}

/** Adds causes and fixes to leaking rows. */
export function withCauses(rows: readonly Finding[], { causesOf: find }: CauseFinding): readonly Finding[] {
  let remaining = maxExplained;
  return rows.map((row) => {
    if (!row.leak || row.grouped !== undefined || remaining === 0) return row;
    remaining -= 1;
    return { ...row, causes: find(row) };
  });
}
