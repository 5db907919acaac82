import { parse } from 'yaml';
import type { ConfigurationManager } from '../../model/fix.js';
import type { Declared, DeclaredKey } from '../../model/host-config.js';
import { type Fields, fieldsOf, isFields } from '../../text/json-text.js';
import type { ConfigFile, ConfigReport } from './report.js';

type Renderer = Extract<ConfigurationManager, { readonly by: 'netplan' }>['renderer'];

const isRenderer = (value: unknown): value is Renderer => value === 'networkd' || value === 'NetworkManager';

/** Settings of any device that matter on a bridge port (netplan.readthedocs.io, "Properties for all device types"). */
const portKeys: readonly (readonly [string, DeclaredKey])[] = [
  ['hairpin', 'hairpin'],
  ['port-mac-learning', 'learning'],
  ['neigh-suppress', 'neigh_suppress'],
];

/** Seconds, or a number with a unit of systemd.time(7), in centiseconds. */
function centiseconds(value: unknown): number | null {
  if (typeof value === 'number') return value * 100;
  const [, count, unit = 's'] = /^(\d+)\s*(ms|s|sec|m|min|h)?$/.exec(typeof value === 'string' ? value : '') ?? [];
  const factor = { ms: 0.1, s: 100, sec: 100, m: 6000, min: 6000, h: 360_000 }[unit];
  return count === undefined || factor === undefined ? null : Number(count) * factor;
}

interface Device {
  readonly name: string;
  readonly kind: string;
  /** Later files, by name, add to earlier ones and overrule them (netplan(5)). */
  readonly fields: Fields;
  readonly firstFile: string;
  readonly lastFile: string;
  /** networkd by default. */
  readonly renderer: Renderer;
}

interface Entry extends Pick<Device, 'name' | 'kind' | 'fields'> {
  readonly path: string;
}

interface ReadDevice extends Omit<Device, 'renderer'> {
  readonly renderer: Renderer | null;
}

function mergedDevice(before: ReadDevice | undefined, { path, name, kind, fields }: Entry): ReadDevice {
  const parameters = { ...fieldsOf(before?.fields['parameters']), ...fieldsOf(fields['parameters']) };
  return {
    name,
    kind,
    fields: { ...before?.fields, ...fields, parameters },
    firstFile: before?.firstFile ?? path,
    lastFile: path,
    renderer: isRenderer(fields['renderer']) ? fields['renderer'] : (before?.renderer ?? null),
  };
}

function devicesIn(files: readonly ConfigFile[]): readonly Device[] {
  const devices = new Map<string, ReadDevice>();
  let usual: Renderer = 'networkd';
  for (const { path, text } of files) {
    const network = fieldsOf(fieldsOf(readFile(path, text))?.['network']) ?? {};
    if (isRenderer(network['renderer'])) usual = network['renderer'];
    for (const [kind, list] of Object.entries(network))
      for (const [name, fields] of Object.entries(fieldsOf(list) ?? {}))
        if (isFields(fields)) devices.set(name, mergedDevice(devices.get(name), { path, name, kind, fields }));
  }
  return [...devices.values()].map((device) => ({ ...device, renderer: device.renderer ?? usual }));
}

function settingsOf({ name, kind, fields, lastFile }: Device): readonly Declared[] {
  const declaredOf = (on: string, key: DeclaredKey, value: Declared['value']): Declared => ({
    by: 'netplan',
    readFrom: lastFile,
    device: on,
    mac: null,
    key,
    value,
    apply: 'netplan apply',
  });
  const ofPort = portKeys.flatMap(([word, key]) =>
    typeof fields[word] === 'boolean' ? [declaredOf(name, key, fields[word])] : [],
  );
  if (kind !== 'bridges') return ofPort;
  const { 'ageing-time': time, stp } = fieldsOf(fields['parameters']) ?? {};
  const ageing = centiseconds(time);
  const ports: readonly unknown[] = Array.isArray(fields['interfaces']) ? fields['interfaces'] : [];
  return [
    ...ofPort,
    ...(ageing === null ? [] : [declaredOf(name, 'ageing_time', ageing)]),
    ...(typeof stp === 'boolean' ? [declaredOf(name, 'stp_state', stp)] : []),
    ...ports.filter((port) => typeof port === 'string').map((port) => declaredOf(port, 'master', name)),
  ];
}

/**
 * Settings of bridges and ports in netplan's files, which are in its reading order, and the devices it makes. Throws
 * Error with the name of a file that is not YAML.
 */
export function netplanReport(files: readonly ConfigFile[]): ConfigReport {
  const devices = devicesIn(files);
  return {
    declared: devices.flatMap(settingsOf),
    keepers: devices.map(({ name, kind, firstFile, renderer }) => ({
      by: 'netplan',
      device: name,
      file: firstFile,
      kind,
      renderer,
    })),
  };
}

function readFile(path: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`, {
      cause: error,
    });
  }
}
