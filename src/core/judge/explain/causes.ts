import { fixOnHost, fixText, isExecutable } from '../../fix/fix-text.js';
import { type CauseCode, causeCodes } from '../../model/codes.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { VerdictRules } from '../../model/provenance.js';
import type { Cause, Finding } from '../../model/result.js';
import type { StepStates } from '../../model/state.js';
import { endpointLikeness } from '../rows/endpoint-likeness.js';
import { type RowContext, rowContexts } from '../rows/row-context.js';
import { fixCost, weaknesses } from './weaknesses.js';

/** Causes that rules 1 did not know. */
const ofRules2: readonly Cause['code'][] = ['reflected-by-uplink', 'nat', 'rewritten', 'copy-in-tunnel', 'member'];
/** What a bridge has open anyway; beside such a cause alone a process that listens may be the one that hands frames on. */
const openAnyway: readonly Cause['code'][] = ['not-isolated', 'source-unchecked'];

/** The causes that are reported: where one accounts for the leak, others are not accused beside it. */
function worthReporting(found: readonly Cause[], rules: VerdictRules): readonly Cause[] {
  if (rules === 1) return found.filter(({ code }) => !ofRules2.includes(code));
  const has = (code: CauseCode): boolean => found.some((cause) => cause.code === code);
  const isExplained = found.some(({ code }) => code !== 'sniffer-on-host' && !openAnyway.includes(code));
  return found.filter(
    ({ code }) => !(code === 'sniffer-on-host' && isExplained) && !(code === 'group-flood' && has('member')),
  );
}

/** Leaks of a step beyond these are not explained one by one: a mesh may have a million. */
const maxExplained = 2000;

function causesOf(leak: RowContext | null, plan: Plan, rules: VerdictRules): readonly Cause[] {
  const all: readonly Cause[] =
    leak === null
      ? []
      : causeCodes.flatMap((code): readonly Cause[] => {
          const cause = weaknesses[code].find(leak);
          if (cause === null) return [];
          const found = cause.fix === null ? null : fixOnHost(cause.fix, leak.bridge.name, plan);
          const fix = fixText(found);
          const cost =
            rules === 1
              ? null
              : fixCost(code, { place: cause.place, fix, ...(found === null ? {} : { changes: found.changes }) });
          return [
            {
              code,
              ...cause,
              fix,
              ...(found === null || !isExecutable(found) || rules === 1 ? {} : { changes: found.changes }),
              ...(cost === null ? {} : { cost }),
            },
          ];
        });
  const found = worthReporting(all, rules);
  if (found.length > 0) return found;
  return [
    {
      code: 'unexplained',
      place: '',
      value: '',
      text:
        leak === null
          ? 'unexplained: the state around the step was not read'
          : 'unexplained: nothing in the state around the step accounts for it',
      fix: '',
    },
  ];
}

/** Finds the causes of a step's leaks. */
export interface CauseFinding {
  readonly causesOf: (leak: Finding) => readonly Cause[];
  /** The same for a leak that is like one whose causes are known, but for who sent it and whom it was for. */
  readonly causesAlike: (leak: Finding) => readonly Cause[];
}

/** Pure: from the plan and the state that was read around the step. */
export function createCauseFinding(plan: Plan, step: StepPlan, states: StepStates, rules: VerdictRules): CauseFinding {
  const contextOf = rowContexts(plan, step, states);
  const likeness = endpointLikeness(plan, states);
  const known = new Map<string, readonly Cause[]>();
  const find = (leak: Finding): readonly Cause[] => causesOf(contextOf(leak), plan, rules);
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

/** The rows of a step, leaks with their causes and what fixes them. */
export function withCauses(rows: readonly Finding[], { causesOf: find }: CauseFinding): readonly Finding[] {
  let left = maxExplained;
  return rows.map((row) => {
    if (!row.leak || row.grouped !== undefined || left === 0) return row;
    left -= 1;
    return { ...row, causes: find(row) };
  });
}
