import { setEntry } from '../../bridge/changes.js';
import { isOff } from '../../bridge/setting-value.js';
import { fixCost } from '../../bridge/weaknesses.js';
import { commandText, fixCommands } from '../../fix/fix-text.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { GroupCause, LeakGroup } from '../../model/result.js';
import type { HostState } from '../../model/state.js';

const code = 'learning-off';

/** Can what its bridge does not know go to another port than this one? */
function isFlooded({ links }: HostState, bridge: string, port: string): boolean {
  const settings = links.find(({ name }) => name === bridge)?.bridge;
  return (
    Number(settings?.['ageing_time'] ?? 0) > 0 &&
    links.some((link) => link.master === bridge && link.name !== port && !isOff(link.port?.['flood']))
  );
}

/**
 * Guests whose port learns nothing and whose entry was learned before: it ages as any, is not learned again, and then
 * all that is sent to them floods. Settings say so, no frame shows it before the ageing time is over: a group without
 * rows. Only where the step says who is open to what by design; null = there are none.
 */
export function ageingEntries({ endpoints }: Plan, step: StepPlan, before: HostState | null): LeakGroup | null {
  if (before === null || step.expect.open === undefined) return null;
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const additions = endpoints.flatMap(({ name, role, bridge, port, macs }) => {
    const link = before.links.find((candidate) => candidate.name === port && candidate.master === bridge);
    if (role !== 'guest' || port === null || !bridges.has(bridge) || !isOff(link?.port?.['learning'])) return [];
    if (!isFlooded(before, bridge, port)) return [];
    const [entry] = before.fdb.filter(
      (candidate) =>
        candidate.master === bridge &&
        candidate.port === port &&
        candidate.state === 'dynamic' &&
        !candidate.flags.includes('extern_learn') &&
        macs.some((mac) => mac === candidate.mac),
    );
    return entry === undefined ? [] : [{ name, port, change: setEntry(entry.mac, port) }];
  });
  const [first] = additions;
  if (first === undefined) return null;
  const changes = additions.map(({ change }) => change);
  const fixes = fixCommands(changes).map(commandText);
  const cost = fixCost(code, { place: `${first.port}.learning`, fix: fixes.join(' && '), changes });
  const cause: GroupCause = {
    code,
    places: additions.map(({ port }) => `${port}.learning`),
    value: 'off',
    text: `${first.port} learns nothing: when its entry ages, everything to it floods`,
    fixes,
    changes,
    ...(cost === null ? {} : { cost }),
    rows: 0,
  };
  return {
    cause: code,
    from: ['*'],
    to: additions.map(({ name }) => name),
    observers: step.observers.filter(({ judged }) => judged).map(({ name }) => name),
    classes: ['aged-unicast'],
    carriers: [],
    rows: 0,
    sent: null,
    seen: 0,
    firstSighting: null,
    causes: [cause],
  };
}
