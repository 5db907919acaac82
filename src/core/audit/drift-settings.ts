import { bridgeSettings, decidesAlone, portSettings } from '../bridge/attributes.js';
import type { BridgeView } from '../bridge/view.js';
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
                text: 'somebody listens on this port in promiscuous mode',
              } as const,
            ]
          : []),
      ];
    }),
  ];
}
