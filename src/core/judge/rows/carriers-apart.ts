import { listText } from '../../text/names.js';
import type { CarriersApart, Finding } from '../../model/result.js';
import type { StepStates } from '../../model/state.js';
import { filtersInState } from './filters-in-state.js';
import { groupBy } from '../../text/collections.js';

function explain(leaking: readonly string[], stopped: readonly string[], states: StepStates): string {
  const { link, ip } = states.before === null ? { link: [], ip: { bridged: [] } } : filtersInState(states.before);
  const filters = [...link, ...ip.bridged];
  const named = filters.length === 0 ? 'no filter stands in the state that was read' : filters.join(', ');
  return leaking.includes('raw')
    ? `raw broken, ${listText(stopped)} holds: a filter hides that the bridge hands the frames over (${named})`
    : `${listText(leaking)} broken, ${listText(stopped)} holds: a filter stops one carrier and passes the other (${named})`;
}

/**
 * Carriers of a class of which one reached an observer and another did not: filters distinguish contents, bridges do
 * not. Compares rows of one probe, pair and observer.
 */
export function carriersApart(rows: readonly Finding[], states: StepStates): readonly CarriersApart[] {
  const compared = rows.filter(
    ({ allowed, grouped, carrier, variant }) =>
      allowed === 'no' && grouped === undefined && carrier !== 'native' && variant === undefined,
  );
  if (compared.every(({ carrier }) => carrier === compared[0]?.carrier)) return [];
  const pairs = groupBy(compared, (row) =>
    JSON.stringify([row.probe, row.class, row.vlan, row.from, row.to, row.observer]),
  );
  const groups = new Map<
    string,
    { readonly head: Omit<CarriersApart, 'observers'>; readonly observers: Set<string> }
  >();
  for (const pair of pairs.values()) {
    const broken = pair.filter(({ leak }) => leak).map(({ carrier }) => carrier);
    const holds = pair.filter(({ leak, sent }) => !leak && (sent ?? 0) > 0).map(({ carrier }) => carrier);
    const [first] = pair;
    if (first === undefined || broken.length === 0 || holds.length === 0) continue;
    const head = {
      class: first.class,
      from: first.from,
      to: first.to,
      broken,
      holds,
      text: explain(broken, holds, states),
    };
    const key = JSON.stringify(head);
    const group = groups.get(key) ?? { head, observers: new Set<string>() };
    group.observers.add(first.observer);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ head, observers }) => ({ ...head, observers: [...observers] }));
}
