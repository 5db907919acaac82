import type { Plan, StepPlan } from '../../model/plan.js';
import type { Cause, Finding } from '../../model/result.js';
import { agedOut } from '../../../judge/causes/aged-out.js';
import { ageingZero } from '../../../judge/causes/ageing-zero.js';
import { behindBridge } from '../../../judge/causes/behind-bridge.js';
import { fdbFull } from '../../../judge/causes/fdb-full.js';
import { groupFlood } from '../../../judge/causes/group-flood.js';
import { hostForwards } from '../../../judge/causes/host-forwards.js';
import { learningOff } from '../../../judge/causes/learning-off.js';
import type { CauseFinder } from './causes/leak.js';
import { macMoved } from '../../../judge/causes/mac-moved.js';
import { mcastRouterPort } from '../../../judge/causes/mcast-router-port.js';
import { mirror } from '../../../judge/causes/mirror.js';
import { noQuerier } from '../../../judge/causes/no-querier.js';
import { notIsolated } from '../../../judge/causes/not-isolated.js';
import { ovsFloodFlow } from '../../../judge/causes/ovs-flood-flow.js';
import { ovsFloodVlans } from '../../../judge/causes/ovs-flood-vlans.js';
import { ovsMirror } from '../../../judge/causes/ovs-mirror.js';
import { ovsProtected } from '../../../judge/causes/ovs-protected.js';
import { ovsTableFull } from '../../../judge/causes/ovs-table-full.js';
import { ovsUnknownFlood } from '../../../judge/causes/ovs-unknown-flood.js';
import { snifferOnHost } from '../../../judge/causes/sniffer-on-host.js';
import { sourceUnchecked } from '../../../judge/causes/source-unchecked.js';
import { stpOpen } from './causes/stp.js';
import { unknownFlood } from '../../../judge/causes/unknown-flood.js';
import { vlanShared } from '../../../judge/causes/vlan-shared.js';
import { vlanUnfiltered } from '../../../judge/causes/vlan-unfiltered.js';
import { vniShared } from '../../../judge/causes/vni-shared.js';
import { fixOnHost } from '../../../judge/fix-on-host.js';
import { type RowContext, rowContexts } from '../../../judge/row-context.js';
import type { StepStates } from '../../../judge/step-states.js';

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
