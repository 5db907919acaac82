import { compareLinks } from '../bridge/compare.js';
import type { LinkState } from '../model/state.js';
import { bridgeSettings, decidesAlone, portSettings } from '../bridge/attributes.js';
import { type BridgeView, bridgeViews } from '../bridge/view.js';
import type { Drift, Severity } from '../model/audit.js';
import type { SettingValue } from '../model/scenario.js';
import type { Snapshot } from '../model/state.js';
import { driftOn } from './drift-parts.js';

function isProtecting(key: string, value: SettingValue | null): boolean | null {
  const { protects } = [...bridgeSettings, ...portSettings].find((setting) => setting.key === key) ?? {};
  if (protects === undefined || value === null) return null;
  return protects === 'above 0' ? Number(value) > 0 : ['1', 'true'].includes(String(value)) === protects;
}

/** A change to the protecting value is a recovery. */
function severityOf(key: string, was: SettingValue | null, is: SettingValue | null): Severity {
  if (isProtecting(key, is) === true && isProtecting(key, was) === false) return 'info';
  return decidesAlone(key) ? 'high' : 'medium';
}

function changed(bridge: string, before: LinkState, after: LinkState): readonly Drift[] {
  const text = (value: SettingValue | null): string | null => (value === null ? null : String(value));
  return compareLinks(before, after, 'drift').map(({ what, was, is }) =>
    driftOn(bridge)(
      'setting-changed',
      severityOf(what, was, is),
      `${after.name}.${what}`,
      [text(was), text(is)],
      `${what} changed`,
    ),
  );
}

/** This program's own sockets raise promiscuity too. */
function ownOn(snapshot: Snapshot, ifindex: number): number {
  return (snapshot.packetSockets ?? []).filter((socket) => socket.own && socket.ifindex === ifindex).length;
}

export type LinksByName = ReadonlyMap<string, LinkState>;

const maxGone = 4096;

/** Bridges and ports as last seen. */
export function lastLinks(snapshot: Snapshot, earlier: LinksByName = new Map()): LinksByName {
  const present = new Map(
    bridgeViews(snapshot).flatMap(({ name, link, ports }) => [
      [name, link] as const,
      ...ports.map((port) => [port.name, port.link] as const),
    ]),
  );
  const gone = [...earlier].filter(([name]) => !present.has(name)).slice(-maxGone);
  return new Map([...gone, ...present]);
}

/** Changes to a returned bridge or ports since they were last there. */
export function returnDrift(before: BridgeView | null, after: BridgeView, earlier: LinksByName): readonly Drift[] {
  const known = new Set(before?.ports.map(({ name }) => name));
  const bridge = before === null ? earlier.get(after.name) : undefined;
  return [
    ...(bridge === undefined ? [] : changed(after.name, bridge, after.link)),
    ...after.ports.flatMap(({ name, link }) => {
      const last = known.has(name) ? undefined : earlier.get(name);
      return last === undefined ? [] : changed(after.name, last, link);
    }),
  ];
}

/** Changed settings, states and promiscuity of a bridge and its remaining ports. */
export function settingDrift(before: BridgeView, after: BridgeView, is: Snapshot): readonly Drift[] {
  const drift = driftOn(after.name);
  return [
    ...changed(after.name, before.link, after.link),
    ...after.ports.flatMap(({ name, link, settings }): readonly Drift[] => {
      const old = before.ports.find((port) => port.name === name);
      if (old === undefined) return [];
      const [low, high] = [old.link.promiscuity, link.promiscuity];
      const [was, now] = [String(old.settings['state']), String(settings['state'])];
      return [
        ...changed(after.name, old.link, link),
        ...(was === now ? [] : [drift('port-state', 'info', `${name}.state`, [was, now], "the port's state changed")]),
        ...(low !== null && high !== null && high - ownOn(is, link.ifindex) > low
          ? [
              drift(
                'port-promiscuous',
                'medium',
                name,
                [`promiscuity ${low}`, `promiscuity ${high}`],
                'a program listens on this port in promiscuous mode',
              ),
            ]
          : []),
      ];
    }),
  ];
}
