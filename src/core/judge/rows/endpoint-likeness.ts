import type { Plan } from '../../model/plan.js';
import type { StepStates } from '../../model/state.js';
import { addTo, mapByName } from '../../text/collections.js';

/** Equal numbers mean equal port settings, bridge entries and author's statements. */
export function endpointLikeness(plan: Pick<Plan, 'endpoints'>, states: StepStates): (name: string | null) => number {
  let numbers: ReadonlyMap<string, number> | null = null;
  return (name) => {
    if (name === null) return 0;
    numbers ??= likenessByName(plan, states);
    return numbers.get(name) ?? -1;
  };
}

function likenessByName({ endpoints }: Pick<Plan, 'endpoints'>, { before }: StepStates): ReadonlyMap<string, number> {
  const links = mapByName(before?.links ?? []);
  const entriesOf = new Map<string, string[]>();
  for (const { mac, port, state, flags, vlan } of before?.fdb ?? []) {
    addTo(entriesOf, mac, JSON.stringify([port, state, flags, vlan]));
  }
  const numbers = new Map<string, number>();
  const numberOf = new Map<string, number>();
  for (const { name, bridge, port, macs, role, attach, zone, vlans, owner } of endpoints) {
    const link = links.get(port ?? '');
    const settings = Object.entries(link?.port ?? {}).filter(([key]) => !ownValues.has(key));
    const entries = macs
      .flatMap((mac) => entriesOf.get(mac) ?? [])
      .map((entry) => entry.replace(JSON.stringify(port), '"its own"'));
    const likeness = JSON.stringify([bridge, role, attach, zone, vlans, owner !== undefined, settings, entries]);
    const number = numbers.get(likeness) ?? numbers.size + 1;
    numbers.set(likeness, number);
    numberOf.set(name, number);
  }
  return numberOf;
}

const ownValues: ReadonlySet<string> = new Set([
  'id',
  'no',
  'designated_port',
  'designated_cost',
  'message_age_timer',
  'forward_delay_timer',
  'hold_timer',
]);
