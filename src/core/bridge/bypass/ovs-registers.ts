import { changesFrame } from './ovs-actions.js';
import { leafActions, type OvsFlow, registersOf, wholeMove, writtenBy } from './ovs-flows.js';

/** Table in which an action goes on with a frame; null = in none. */
function nextTable(action: string, table: number): number | null {
  if (/^resubmit:/.test(action)) return table;
  const next = /^(?:resubmit\([^,]*,(\d+)|goto_table:(\d+)|ct\((?:.*,)?table=(\d+))/.exec(action);
  const number = next?.[1] ?? next?.[2] ?? next?.[3];
  return number === undefined ? null : Number(number);
}

/** Registers that matter to a bridge's flows. */
export interface RegisterUse {
  /** Those that are matched, and always written whole with constants. */
  readonly tracked: ReadonlySet<string>;
  /** By table, those of them that are matched there or behind; `in_port` is one. */
  readonly live: ReadonlyMap<number, ReadonlySet<string>>;
}

/** Adds what a flow asks for in its table, and registers that it does not write whole with a constant. */
function readUse({ match, actions }: OvsFlow, here: Set<string>, unsteady: Set<string>): void {
  for (const [key] of match) {
    const [register, ...more] = registersOf(key);
    if (key === 'in_port') here.add(key);
    else if (register !== undefined && more.length === 0) here.add(register);
  }
  for (const action of actions) {
    const [moved, written] = [wholeMove(action), writtenBy(action)];
    if (moved !== null) here.add(moved.from);
    else if (written !== null) {
      const parts = registersOf(written.field);
      if (parts.length > 1 || !written.isWhole || written.value === null) parts.forEach((part) => unsteady.add(part));
    }
    if (/^(?:normal$|in_port$|resubmit:|resubmit\([^,])/i.test(action)) here.add('in_port');
  }
}

/** Adds to each table what those behind it ask for. */
function spread(live: ReadonlyMap<number, Set<string>>, next: readonly (readonly [from: number, to: number])[]): void {
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false;
    for (const [from, to] of next) {
      const here = live.get(from) ?? new Set();
      const before = here.size;
      for (const register of live.get(to) ?? []) here.add(register);
      isGrowing ||= here.size > before;
    }
  }
}

/** Tables that frames may come to after a flow of a table, that one aside unless they come back. */
function tablesFrom(table: number, flows: readonly OvsFlow[], groups: readonly string[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const add = (from: number): void => {
    for (const flow of flows.filter((each) => each.table === from))
      for (const action of leafActions(flow.actions, groups)) {
        const to = nextTable(action, from);
        if (to === null || reached.has(to)) continue;
        reached.add(to);
        add(to);
      }
  };
  add(table);
  return reached;
}

/** True if frames may be changed in a table behind a flow, or by what some flow adds to their set of actions. */
export function isChangedBehind(
  { table }: OvsFlow,
  { flows, groups }: { readonly flows: readonly OvsFlow[]; readonly groups: readonly string[] },
): boolean {
  const behind = tablesFrom(table, flows, groups);
  return flows.some((flow) => {
    const added = behind.has(flow.table) ? flow.actions : flow.actions.filter((each) => /^write_actions\(/.test(each));
    return leafActions(added, groups).some(changesFrame);
  });
}

/** Finds the registers by which flows choose. `groups`: as `ovs-ofctl dump-groups` prints them. */
export function registerUse(flows: readonly OvsFlow[], groups: readonly string[]): RegisterUse {
  const unsteady = new Set<string>();
  const live = new Map<number, Set<string>>();
  const next: (readonly [from: number, to: number])[] = [];
  for (const flow of flows) {
    const here = live.get(flow.table) ?? new Set();
    live.set(flow.table, here);
    const actions = leafActions(flow.actions, groups);
    readUse({ ...flow, actions }, here, unsteady);
    for (const action of actions) {
      const to = nextTable(action, flow.table);
      if (to !== null) next.push([flow.table, to]);
    }
  }
  spread(live, next);
  const read = new Set([...live.values()].flatMap((registers) => [...registers]));
  return { tracked: new Set([...read].filter((register) => !unsteady.has(register))), live };
}
