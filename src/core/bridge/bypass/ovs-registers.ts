import { changesFrame } from './ovs-actions.js';
import { leafActions, type OvsFlow, registersOf, wholeMove, writtenBy } from './ovs-flows.js';

function nextTable(action: string, table: number): number | null {
  if (/^resubmit:/.test(action)) return table;
  const next = /^(?:resubmit\([^,]*,(\d+)|goto_table:(\d+)|ct\((?:.*,)?table=(\d+))/.exec(action);
  const number = next?.[1] ?? next?.[2] ?? next?.[3];
  return number === undefined ? null : Number(number);
}

export interface RegisterUse {
  /** Matched, and always written completely with constants. */
  readonly tracked: ReadonlySet<string>;
  /** By table: matched there or later, and `in_port`. */
  readonly live: ReadonlyMap<number, ReadonlySet<string>>;
}

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

/** True if frames may change after a flow, or by its action set. */
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

/** Registers by which flows choose. `groups`: `ovs-ofctl dump-groups`. */
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
