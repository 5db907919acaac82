import type { Change } from '../model/change.js';
import type { Scenario, Step } from '../model/scenario.js';
import { linkSettings } from '../model/settings.js';

/** The changes of a step in the fixed order of the contract: set, vlan, fdb (flush, del, add), mdb, start and stop, run. */
export function changesOf(step: Step, topology: Scenario['topology']): readonly Change[] {
  const bridges = new Set(topology.bridges.map((bridge) => bridge.name));
  const bridgeOfPort = new Map(topology.endpoints.flatMap(({ port, bridge }) => (port === null ? [] : [[port, bridge] as const])));
  const linkKeys = new Set(linkSettings.map((setting) => setting.key));
  const place = (device: string, key: string): 'bridge' | 'port' | 'link' =>
    linkKeys.has(key) ? 'link' : bridges.has(device) ? 'bridge' : 'port';
  return [
    ...step.set.flatMap(({ device, settings }) =>
      Object.entries(settings).map(([key, value]): Change => ({ kind: 'set', device, place: place(device, key), key, value }))),
    ...Object.entries(step.sysctl).map(([name, value]): Change => ({ kind: 'sysctl', name, value })),
    ...step.vlan.add.map((entry): Change => ({ kind: 'vlan', act: 'add', entry, self: bridges.has(entry.port) })),
    ...step.vlan.del.map((entry): Change => ({ kind: 'vlan', act: 'del', entry, self: bridges.has(entry.port) })),
    ...step.fdb.flush.map((bridge): Change => ({ kind: 'fdb-flush', bridge })),
    ...step.fdb.del.map((entry): Change => ({ kind: 'fdb', act: 'del', entry })),
    ...step.fdb.add.map((entry): Change => ({ kind: 'fdb', act: 'add', entry })),
    ...(['add', 'del'] as const).flatMap((act) =>
      step.mdb[act].map((entry): Change => ({ kind: 'mdb', act, bridge: bridgeOfPort.get(entry.port) ?? entry.port, entry }))),
    ...step.stop.map((endpoint): Change => ({ kind: 'stop', endpoint })),
    ...step.start.map((endpoint): Change => ({ kind: 'start', endpoint })),
    ...step.run.map((argv): Change => ({ kind: 'run', argv })),
  ];
}
