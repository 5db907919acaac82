import { bridgeSettings, decidesAlone, portSettings } from '../bridge/attributes.js';
import { type BridgeView, bridgeViews } from '../bridge/view.js';
import type { Drift, Severity } from '../model/audit.js';
import type { Settings } from '../model/scenario.js';
import type { Snapshot } from '../model/state.js';

function changed(bridge: string, name: string, keys: readonly string[], was: Settings, is: Settings): readonly Drift[] {
  return keys
    .filter((key) => was[key] !== is[key])
    .map((key) => ({
      code: 'setting-changed',
      severity: (decidesAlone(key) ? 'high' : 'medium') satisfies Severity,
      bridge,
      place: `${name}.${key}`,
      before: was[key] === undefined ? null : String(was[key]),
      after: is[key] === undefined ? null : String(is[key]),
      text: `${key} changed`,
    }));
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
  const keysOf = (settings: typeof bridgeSettings): readonly string[] => settings.map(({ key }) => key);
  const bridge = before === null ? earlier.get(after.name) : undefined;
  return [
    ...(bridge === undefined ? [] : changed(after.name, after.name, keysOf(bridgeSettings), bridge, after.settings)),
    ...after.ports.flatMap(({ name, settings }) => {
      const last = known.has(name) ? undefined : earlier.get(name);
      return last === undefined ? [] : changed(after.name, name, keysOf(portSettings), last, settings);
    }),
  ];
}

/**
 * What changed in the writable settings of a bridge and of the ports that it still has, their state and their
 * promiscuity.
 */
export function settingDrift(before: BridgeView, after: BridgeView, is: Snapshot): readonly Drift[] {
  return [
    ...changed(
      after.name,
      after.name,
      bridgeSettings.map(({ key }) => key),
      before.settings,
      after.settings,
    ),
    ...after.ports.flatMap((port): readonly Drift[] => {
      const old = before.ports.find(({ name }) => name === port.name);
      if (old === undefined) return [];
      const [low, high] = [old.link.promiscuity, port.link.promiscuity];
      const raised = low !== null && high !== null && high - ownOn(is, port.link.ifindex) > low;
      return [
        ...changed(
          after.name,
          port.name,
          portSettings.map(({ key }) => key),
          old.settings,
          port.settings,
        ),
        ...(old.settings['state'] === port.settings['state']
          ? []
          : [
              {
                code: 'port-state',
                severity: 'info',
                bridge: after.name,
                place: `${port.name}.state`,
                before: String(old.settings['state']),
                after: String(port.settings['state']),
                text: "the port's state changed",
              } as const,
            ]),
        ...(raised
          ? [
              {
                code: 'port-promiscuous',
                severity: 'medium',
                bridge: after.name,
                place: port.name,
                before: `promiscuity ${low}`,
                after: `promiscuity ${high}`,
                text: 'a program listens on this port in promiscuous mode',
              } as const,
            ]
          : []),
      ];
    }),
  ];
}
