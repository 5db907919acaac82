import { linkNamed, portsOf } from '../../bridge/host.js';
import { entriesBehind } from '../../bridge/view.js';
import { advice, setEntry, setPort } from '../../bridge/changes.js';
import { isOff } from '../../bridge/setting-value.js';
import { fixCost } from '../../bridge/weaknesses.js';
import { fixText } from '../../fix/fix-text.js';
import type { Fix } from '../../model/fabric.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { GroupCause, LeakGroup } from '../../model/result.js';
import type { Endpoint } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { word } from '../../text/escape.js';
import { namesIn } from '../../text/collections.js';

const code = 'learning-off';

function isFlooded(state: HostState, bridge: string, port: string): boolean {
  const settings = linkNamed(state, bridge)?.bridge;
  return (
    Number(settings?.['ageing_time'] ?? 0) > 0 &&
    portsOf(state, bridge).some((link) => link.name !== port && !isOff(link.port?.['flood']))
  );
}

function entryToKeep(state: HostState, { bridge, port, macs, role }: Endpoint): Fix | null {
  const entries = entriesBehind(state, bridge, port ?? '');
  // No sender knows its MAC
  if (macs.length === 0) {
    if (entries.some((entry) => entry.state !== 'dynamic')) return null;
    return role === 'uplink'
      ? { changes: [setPort(port ?? '', 'learning', true)] }
      : advice(`bridge fdb replace MAC dev ${word(port ?? '')} master static`);
  }
  const [entry] = entries.filter(
    ({ mac, state, flags }) => state === 'dynamic' && !flags.includes('extern_learn') && macs.includes(mac),
  );
  return entry === undefined ? null : { changes: [setEntry(entry.mac, entry.port)] };
}

/**
 * Ports of guests and uplinks that learn nothing: frames to them flood now, or once their entry ages. Only settings
 * show it: the group has no rows. null = none, or nothing is open by design.
 */
export function ageingEntries({ endpoints }: Plan, step: StepPlan, before: HostState | null): LeakGroup | null {
  if (before === null || step.expect.open === undefined) return null;
  const bridges = new Set(step.observers.map(({ bridge }) => bridge));
  const additions = endpoints.flatMap((endpoint) => {
    const { name, role, bridge, port, macs } = endpoint;
    const link = portsOf(before, bridge).find((candidate) => candidate.name === port);
    if (role === 'host' || port === null || !bridges.has(bridge) || !isOff(link?.port?.['learning'])) return [];
    if (!isFlooded(before, bridge, port)) return [];
    const fix = entryToKeep(before, endpoint);
    return fix === null ? [] : [{ name, port, isKnown: macs.length > 0, fix }];
  });
  if (additions.length === 0) return null;
  const causes = [true, false].flatMap((isKnown) => {
    const some = additions.filter((addition) => addition.isKnown === isKnown);
    return some.length === 0 ? [] : [causeOf(some)];
  });
  return {
    cause: code,
    from: ['*'],
    to: namesIn(additions),
    observers: namesIn(step.observers.filter(({ judged }) => judged)),
    classes: ['aged-unicast'],
    carriers: [],
    rows: 0,
    sent: null,
    seen: 0,
    firstSighting: null,
    causes,
  };
}

interface Addition {
  readonly port: string;
  readonly isKnown: boolean;
  readonly fix: Fix;
}

function causeOf(additions: readonly Addition[]): GroupCause {
  const [{ port, isKnown } = { port: '', isKnown: true }] = additions;
  const changes = additions.flatMap(({ fix }) => fix.changes);
  const fixes = additions.map(({ fix }) => fixText(fix));
  const cost = fixCost(code, { place: `${port}.learning`, fix: fixes.join(' && '), changes });
  return {
    code,
    places: additions.map((addition) => `${addition.port}.learning`),
    value: isKnown ? 'off' : 'off, no entry',
    text: isKnown
      ? `${port} learns nothing: once its entry expires, all frames to it flood`
      : `${port} learns nothing and has no entry: all frames to it flood`,
    fixes,
    ...(isKnown ? { changes } : {}),
    ...(cost === null ? {} : { cost }),
    rows: 0,
  };
}
