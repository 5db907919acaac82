import type { Change } from '../model/fabric.js';
import type { Scenario, Settings, Step } from '../model/scenario.js';
import { linkSettings } from '../bridge/attributes.js';
import { devicePlaceOf, settingsOf } from '../model/settings.js';

/**
 * A step's changes in the contract's order: set, vlan, fdb (flush, del, add), mdb, start and stop, run. A host's
 * `first` step begins with the topology's settings, which the lab builds in.
 */
export function changesOf(step: Step, topology: Scenario['topology'], first = false): readonly Change[] {
  const bridges = new Set(topology.bridges.map((bridge) => bridge.name));
  const bridgeOfPort = new Map(
    topology.endpoints.flatMap(({ port, bridge }) => (port === null ? [] : [[port, bridge] as const])),
  );
  const linkKeys = new Set(linkSettings.map((setting) => setting.key));
  const set = (device: string, settings: Settings): readonly Change[] =>
    Object.entries(settings).map(([key, value]): Change => {
      const place = linkKeys.has(key) ? 'link' : devicePlaceOf(topology, device);
      return place === 'ovs-bridge' || place === 'ovs-port'
        ? { kind: 'ovs-set', table: place === 'ovs-bridge' ? 'Bridge' : 'Port', device, key, value }
        : { kind: 'set', device, place, key, value };
    });
  const ovs = (device: string): { readonly ovs?: true } =>
    devicePlaceOf(topology, device).startsWith('ovs-') ? { ovs: true } : {};
  return [
    ...(first && topology.provider === 'host' ? settingsOf(topology) : []).flatMap(({ device, settings }) =>
      set(device, settings),
    ),
    ...(first && topology.provider === 'host' ? topology.bridges : []).flatMap(({ name, mirrors }) =>
      mirrors.map((mirror): Change => ({ kind: 'mirror', bridge: name, mirror })),
    ),
    ...step.set.flatMap(({ device, settings }) => set(device, settings)),
    ...Object.entries(step.sysctl).map(([name, value]): Change => ({ kind: 'sysctl', name, value })),
    ...step.vlan.add.map(
      (entry): Change => ({ kind: 'vlan', act: 'add', entry, self: bridges.has(entry.port), ...ovs(entry.port) }),
    ),
    ...step.vlan.del.map(
      (entry): Change => ({ kind: 'vlan', act: 'del', entry, self: bridges.has(entry.port), ...ovs(entry.port) }),
    ),
    ...step.fdb.flush.map((bridge): Change => ({ kind: 'fdb-flush', bridge, ...ovs(bridge) })),
    ...step.fdb.del.map((entry): Change => ({ kind: 'fdb', act: 'del', entry, ...ovs(entry.port) })),
    ...step.fdb.add.map((entry): Change => ({ kind: 'fdb', act: 'add', entry, ...ovs(entry.port) })),
    ...(['add', 'del'] as const).flatMap((act) =>
      step.mdb[act].map(
        (entry): Change => ({ kind: 'mdb', act, bridge: bridgeOfPort.get(entry.port) ?? entry.port, entry }),
      ),
    ),
    ...step.stop.map((endpoint): Change => ({ kind: 'stop', endpoint })),
    ...step.start.map((endpoint): Change => ({ kind: 'start', endpoint })),
    ...step.run.map((argv): Change => ({ kind: 'run', argv })),
  ];
}
