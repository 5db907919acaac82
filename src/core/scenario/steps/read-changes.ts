import type { z } from 'zod';
import { isOnPort } from '../../model/attach.js';
import { bareName } from '../../model/host-names.js';
import type { FdbEntry, MdbEntry, PortVlan, Settings, Step } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import type { stepShell } from '../schema/step.js';
import { readVlan } from '../topology/read-bridge.js';
import { type DevicePlace, devicePlaceOf } from '../../model/settings.js';
import { readOvsSettings } from '../topology/read-ovs-settings.js';
import { readSettings, readSwitch } from '../topology/read-setting.js';
import { readSysctls } from '../topology/read-topology.js';
import { where } from '../yaml/explain-issue.js';
import type { Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import { readGroup } from './read-probe.js';
import type { StepContext } from './step-context.js';

type RawStep = z.output<typeof stepShell>;

/** Reads changes made before starts and stops: set, sysctl, vlan, fdb, mdb. */
export function readChanges(
  context: StepContext,
  raw: RawStep,
  path: Path,
): Pick<Step, 'set' | 'sysctl' | 'vlan' | 'fdb' | 'mdb'> {
  const { set, sysctl } = readSet(context, raw.set ?? {}, [...path, 'set']);
  const portVlans = (act: 'add' | 'del'): readonly PortVlan[] =>
    (raw.vlan?.[act] ?? []).flatMap((entry, index) => {
      const at = [...path, 'vlan', act, index];
      deviceAt(context, entry.port, [...at, 'port'], false);
      const range = readVlan(context.faults, entry, at);
      return range === null ? [] : [{ port: entry.port, ...range }];
    });
  const flush = raw.fdb?.flush ?? [];
  return {
    set,
    sysctl,
    vlan: { add: portVlans('add'), del: portVlans('del') },
    fdb: {
      flush: (typeof flush === 'string' ? [flush] : flush).map((name, index) =>
        bridgeNamed(context, name, [...path, 'fdb', 'flush', ...(typeof flush === 'string' ? [] : [index])]),
      ),
      del: readFdb(context, raw, 'del', path),
      add: readFdb(context, raw, 'add', path),
    },
    mdb: { add: readMdb(context, raw, 'add', path), del: readMdb(context, raw, 'del', path) },
  };
}

function readSet(
  context: StepContext,
  raw: Exclude<RawStep['set'], undefined>,
  path: Path,
): Pick<Step, 'set' | 'sysctl'> {
  const set: { device: string; settings: Settings }[] = [];
  for (const [device, values] of Object.entries(raw)) {
    if (device === 'sysctl') continue;
    const at = [...path, device];
    const place = deviceAt(context, device, at, true);
    if (place === null) continue;
    const settings =
      place === 'ovs-bridge' || place === 'ovs-port'
        ? readOvsSettings(context.faults, place, values, at)
        : readSettings(context.faults, place, values, at);
    set.push({ device, settings });
    const ageing = settings['ageing_time'];
    if (place === 'bridge' && typeof ageing === 'number') context.ageing.set(device, ageing);
  }
  return { set, sysctl: readSysctls(context.faults, raw['sysctl'] ?? {}, [...path, 'sysctl']) };
}

function deviceAt(context: StepContext, device: string, path: Path, isKey: boolean): DevicePlace | null {
  const { faults, reading } = context;
  const add = isKey ? faults.addKey : faults.add;
  const { topology } = reading;
  // also one with faults
  if (reading.bridgeNames.has(device))
    return devicePlaceOf(topology, device) === 'ovs-bridge' ? 'ovs-bridge' : 'bridge';
  const { endpoints, provider } = topology;
  const owner = endpoints.find(({ port }) => port !== null && (port === device || bareName(port) === device));
  if (owner !== undefined) {
    if (provider === 'lab' && context.presenceKnown && !context.present.has(owner.name)) {
      add(
        path,
        `${where(path)}: ${quote(device)} does not exist yet: ${quote(owner.name)} is not started before this step, and "start" comes after changes`,
      );
    }
    return isOnPort(owner.attach) ? devicePlaceOf(topology, owner.port ?? device) : 'link';
  }
  if (provider === 'host') return devicePlaceOf(topology, device);
  if (!reading.complete) return null;
  const named = endpoints.find(({ name }) => name === device);
  const hint =
    named === undefined || named.port === null
      ? didYouMean(device, [...reading.bridgeNames, ...endpoints.flatMap(({ port }) => port ?? [])])
      : `; ${quote(device)} is an endpoint, its port is ${quote(named.port)}`;
  add(path, `${where(path)}: there is no bridge and no port ${quote(device)}${hint}`);
  return null;
}

function bridgeNamed({ faults, reading }: StepContext, name: string, path: Path): string {
  if (!reading.bridgeNames.has(name))
    faults.add(path, `${where(path)}: there is no bridge ${quote(name)}${didYouMean(name, reading.bridgeNames)}`);
  return name;
}

function readFdb(context: StepContext, raw: RawStep, act: 'add' | 'del', path: Path): readonly FdbEntry[] {
  return (raw.fdb?.[act] ?? []).map((entry, index): FdbEntry => {
    const at = [...path, 'fdb', act, index];
    const place = deviceAt(context, entry.port, [...at, 'port'], false);
    const self = readSwitch(entry.self) ?? false;
    if ((place === 'bridge' || place === 'ovs-bridge') && !self)
      context.faults.add(
        [...at, 'port'],
        `${where([...at, 'port'])}: an entry on the bridge itself needs "self: true"`,
      );
    // bridge(8): an entry of the device itself is permanent unless set otherwise.
    return {
      mac: entry.mac.toLowerCase(),
      port: entry.port,
      state: entry.state ?? (self ? 'permanent' : 'static'),
      sticky: readSwitch(entry.sticky) ?? false,
      vlan: entry.vlan ?? null,
      self,
    };
  });
}

function readMdb(context: StepContext, raw: RawStep, act: 'add' | 'del', path: Path): readonly MdbEntry[] {
  return (raw.mdb?.[act] ?? []).map((entry, index): MdbEntry => {
    const at = [...path, 'mdb', act, index];
    deviceAt(context, entry.port, [...at, 'port'], false);
    return {
      group: readGroup(context.faults, entry.group, [...at, 'group']),
      port: entry.port,
      vlan: entry.vlan ?? null,
    };
  });
}
