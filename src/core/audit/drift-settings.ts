import { bridgeSettings, decidesAlone, portSettings } from '../bridge/attributes.js';
import { type BridgeView, bridgeViews } from '../bridge/view.js';
import type { Drift, Severity } from '../model/audit.js';
import type { Settings, SettingValue } from '../model/scenario.js';
import type { Snapshot } from '../model/state.js';
import { driftOn } from './drift-parts.js';

/** Does a value keep frames from those that they are not for? null = the attribute has no such value. */
function isProtecting(key: string, value: SettingValue | undefined): boolean | null {
  const { protects } = [...bridgeSettings, ...portSettings].find((setting) => setting.key === key) ?? {};
  if (protects === undefined || value === undefined) return null;
  return protects === 'above 0' ? Number(value) > 0 : ['1', 'true'].includes(String(value)) === protects;
}

/** A change to the value that protects is a recovery. */
function severityOf(key: string, was: SettingValue | undefined, is: SettingValue | undefined): Severity {
  if (isProtecting(key, is) === true && isProtecting(key, was) === false) return 'info';
  return decidesAlone(key) ? 'high' : 'medium';
}

function changed(
  bridge: string,
  name: string,
  attributes: typeof bridgeSettings,
  was: Settings,
  is: Settings,
): readonly Drift[] {
  const valueIn = (settings: Settings, key: string): string | null =>
    settings[key] === undefined ? null : String(settings[key]);
  return attributes.flatMap(({ key }) =>
    was[key] === is[key]
      ? []
      : driftOn(bridge)(
          'setting-changed',
          severityOf(key, was[key], is[key]),
          `${name}.${key}`,
          [valueIn(was, key), valueIn(is, key)],
          `${key} changed`,
        ),
  );
}

/** A handle of our own may raise a port's promiscuity: as many of it as our own sockets are not drift. */
function ownOn(snapshot: Snapshot, ifindex: number): number {
  return (snapshot.packetSockets ?? []).filter((socket) => socket.own && socket.ifindex === ifindex).length;
}

/** Settings of bridges and their ports, by name. */
export type SettingsByName = ReadonlyMap<string, Settings>;

/** Names of devices that are gone are kept as long as these are not more. */
const maxGone = 4096;

/** What each bridge and port was last seen with: those of a snapshot, and what is known of others from before. */
export function lastSettings(snapshot: Snapshot, earlier: SettingsByName = new Map()): SettingsByName {
  const present = new Map(
    bridgeViews(snapshot).flatMap(({ name, settings, ports }) => [
      [name, settings] as const,
      ...ports.map((port) => [port.name, port.settings] as const),
    ]),
  );
  const gone = [...earlier].filter(([name]) => !present.has(name)).slice(-maxGone);
  return new Map([...gone, ...present]);
}

/** What is other than when they were last there: in a bridge, or in ports, that `before` has not. */
export function returnDrift(before: BridgeView | null, after: BridgeView, earlier: SettingsByName): readonly Drift[] {
  const known = new Set(before?.ports.map(({ name }) => name));
  const bridge = before === null ? earlier.get(after.name) : undefined;
  return [
    ...(bridge === undefined ? [] : changed(after.name, after.name, bridgeSettings, bridge, after.settings)),
    ...after.ports.flatMap(({ name, settings }) => {
      const last = known.has(name) ? undefined : earlier.get(name);
      return last === undefined ? [] : changed(after.name, name, portSettings, last, settings);
    }),
  ];
}

/**
 * What changed in the writable settings of a bridge and of the ports that it still has, their state and their
 * promiscuity.
 */
export function settingDrift(before: BridgeView, after: BridgeView, is: Snapshot): readonly Drift[] {
  const drift = driftOn(after.name);
  return [
    ...changed(after.name, after.name, bridgeSettings, before.settings, after.settings),
    ...after.ports.flatMap(({ name, link, settings }): readonly Drift[] => {
      const old = before.ports.find((port) => port.name === name);
      if (old === undefined) return [];
      const [low, high] = [old.link.promiscuity, link.promiscuity];
      const [was, now] = [String(old.settings['state']), String(settings['state'])];
      return [
        ...changed(after.name, name, portSettings, old.settings, settings),
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
