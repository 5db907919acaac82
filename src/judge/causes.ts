import type { Plan, StepPlan } from '../model/plan.js';
import type { Cause, Finding } from '../model/result.js';
import { agedOut } from './causes/aged-out.js';
import { ageingZero } from './causes/ageing-zero.js';
import { behindBridge } from './causes/behind-bridge.js';
import { fdbFull } from './causes/fdb-full.js';
import { groupFlood } from './causes/group-flood.js';
import { hostForwards } from './causes/host-forwards.js';
import { learningOff } from './causes/learning-off.js';
import type { CauseFinder } from './causes/leak.js';
import { macMoved } from './causes/mac-moved.js';
import { mcastRouterPort } from './causes/mcast-router-port.js';
import { mirror } from './causes/mirror.js';
import { noQuerier } from './causes/no-querier.js';
import { notIsolated } from './causes/not-isolated.js';
import { ovsFloodFlow } from './causes/ovs-flood-flow.js';
import { ovsFloodVlans } from './causes/ovs-flood-vlans.js';
import { ovsMirror } from './causes/ovs-mirror.js';
import { ovsProtected } from './causes/ovs-protected.js';
import { ovsTableFull } from './causes/ovs-table-full.js';
import { ovsUnknownFlood } from './causes/ovs-unknown-flood.js';
import { snifferOnHost } from './causes/sniffer-on-host.js';
import { sourceUnchecked } from './causes/source-unchecked.js';
import { stpOpen } from './causes/stp-open.js';
import { unknownFlood } from './causes/unknown-flood.js';
import { vlanShared } from './causes/vlan-shared.js';
import { vlanUnfiltered } from './causes/vlan-unfiltered.js';
import { vniShared } from './causes/vni-shared.js';
import { fixOnHost } from './fix-on-host.js';
import { type RowContext, rowContexts } from './row-context.js';
import type { StepStates } from './step-states.js';

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
