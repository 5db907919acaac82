import { parse } from 'yaml';
import type { Declared, DeclaredKey } from '../../model/host-config.js';
import { type Fields, fieldsOf, isFields } from '../../text/json-text.js';

/** A file of netplan: later ones, by name, add to earlier ones and overrule them (netplan(5)). */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

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

/** What netplan's files say of bridges and their ports. Throws Error, with the file's name, where one is not YAML. */
export function netplanDeclared(files: readonly ConfigFile[]): readonly Declared[] {
  const devices = new Map<string, Fields>();
  const from = new Map<string, string>();
  for (const { path, text } of files) {
    const network = fieldsOf(fieldsOf(readFile(path, text))?.['network']) ?? {};
    for (const [kind, list] of Object.entries(network)) {
      for (const [name, device] of Object.entries(fieldsOf(list) ?? {})) {
        if (!isFields(device)) continue;
        const before = devices.get(name) ?? {};
        devices.set(name, {
          ...before,
          ...device,
          parameters: { ...fieldsOf(before['parameters']), ...fieldsOf(device['parameters']) },
          kind,
        });
        from.set(name, path);
      }
    }
  }
  return [...devices].flatMap(([name, device]): readonly Declared[] => {
    const declaredOf = (on: string, key: DeclaredKey, value: Declared['value']): Declared => ({
      by: 'netplan',
      readFrom: from.get(name) ?? '',
      device: on,
      mac: null,
      key,
      value,
      apply: 'netplan apply',
    });
    const parameters = fieldsOf(device['parameters']) ?? {};
    const ageing = centiseconds(parameters['ageing-time']);
    return [
      ...portKeys.flatMap(([word, key]) =>
        typeof device[word] === 'boolean' ? [declaredOf(name, key, device[word])] : [],
      ),
      ...(device['kind'] !== 'bridges'
        ? []
        : [
            ...(ageing === null ? [] : [declaredOf(name, 'ageing_time', ageing)]),
            ...(typeof parameters['stp'] === 'boolean' ? [declaredOf(name, 'stp_state', parameters['stp'])] : []),
            ...(Array.isArray(device['interfaces'])
              ? device['interfaces']
                  .filter((port) => typeof port === 'string')
                  .map((port) => declaredOf(port, 'master', name))
              : []),
          ]),
    ];
  });
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
