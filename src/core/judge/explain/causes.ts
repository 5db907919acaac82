import { fixOnHost } from '../../fix/text.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { Cause, Finding } from '../../model/result.js';
import type { StepStates } from '../../model/state.js';
import { type RowContext, rowContexts } from '../rows/row-context.js';
import { groupFlood, unknownFlood } from './causes/flooding.js';
import { hostForwards, notIsolated, sourceUnchecked } from './causes/isolation.js';
import type { CauseFinder } from './causes/leak.js';
import { agedOut, ageingZero, behindBridge, fdbFull, learningOff, macMoved } from './causes/learning.js';
import { mirror, snifferOnHost } from './causes/mirror.js';
import { mcastRouterPort, noQuerier } from './causes/multicast.js';
import { ovsFloodFlow, ovsFloodVlans, ovsTableFull, ovsUnknownFlood } from './causes/ovs-flooding.js';
import { ovsMirror, ovsProtected } from './causes/ovs-mirror.js';
import { stpOpen } from './causes/stp.js';
import { vlanShared, vlanUnfiltered, vniShared } from './causes/vlan.js';

/** Every cause by code, the most specific first. A new one is one file and one line here. */
export const causes = {
  mirror: mirror,
  'vni-shared': vniShared,
  'ovs-mirror': ovsMirror,
  'ovs-flood-flow': ovsFloodFlow,
  'ovs-flood-vlans': ovsFloodVlans,
  'ovs-protected': ovsProtected,
  'ovs-table-full': ovsTableFull,
  'ovs-unknown-flood': ovsUnknownFlood,
  'ageing-zero': ageingZero,
  'behind-bridge': behindBridge,
  'mac-moved': macMoved,
  'fdb-full': fdbFull,
  'aged-out': agedOut,
  'learning-off': learningOff,
  'host-forwards': hostForwards,
  'stp-open': stpOpen,
  'vlan-unfiltered': vlanUnfiltered,
  'vlan-shared': vlanShared,
  'mcast-router-port': mcastRouterPort,
  'no-querier': noQuerier,
  'source-unchecked': sourceUnchecked,
  'unknown-flood': unknownFlood,
  'group-flood': groupFlood,
  'not-isolated': notIsolated,
  'sniffer-on-host': snifferOnHost,
} as const satisfies Readonly<Record<string, CauseFinder>>;

const finders: readonly (readonly [string, CauseFinder])[] = Object.entries(causes);

/** Leaks of a step beyond these are not explained one by one: a mesh may have a million. */
const mostExplained = 2000;

function causesOf(leak: RowContext | null, plan: Plan): readonly Cause[] {
  const found =
    leak === null
      ? []
      : finders.flatMap(([code, find]) => {
          const cause = find(leak);
          return cause === null ? [] : [{ code, ...cause, fix: fixOnHost(cause.fix, leak.bridge.name, plan) }];
        });
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

/**
 * The rows of a step, leaks with their causes and what mends them. Pure: from the plan and the state that was read
 * around the step.
 */
export function withCauses(
  rows: readonly Finding[],
  plan: Plan,
  step: StepPlan,
  states: StepStates,
): readonly Finding[] {
  let left = mostExplained;
  const contextOf = rowContexts(plan, step, states);
  return rows.map((row) => {
    if (!row.leak || left === 0) return row;
    left -= 1;
    return { ...row, causes: causesOf(contextOf(row), plan) };
  });
}
