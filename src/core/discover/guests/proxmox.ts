import type { GuestRecord } from '../../model/host-config.js';
import { objectsOf, textOf } from '../../text/json-text.js';
import { assertKnown } from '../../model/verify-error.js';
import { type AskProgram, type GuestManager, normalizeMac } from './guest-manager.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly proxmox: true;
  }
}

/** Its guests by the numbers in names of interfaces: no others can be on a bridge. */
export const proxmox: GuestManager = {
  what: 'Proxmox VE',
  async queries(ask, links) {
    const owners = new Map(
      links.flatMap(({ name }) => {
        const owner = proxmoxOwner(name);
        return owner === null ? [] : [[owner.id, owner] as const];
      }),
    );
    if (owners.size === 0) return [];
    const resources = await textOrEmpty(ask, ['/cluster/resources', '--type', 'vm']);
    const vnets = await textOrEmpty(ask, ['/cluster/sdn/vnets']);
    return [...owners.values()].map(({ id, program }) => ({
      argv: [program, 'config', String(id)],
      about: { id: String(id), program, resources, vnets },
    }));
  },
  guests({ text, about: { id, program, resources, vnets } }) {
    const around = proxmoxContext(jsonOrNull(resources), jsonOrNull(vnets));
    return proxmoxGuests(Number(id), program === 'qm' ? 'qm' : 'pct', text, around);
  },
};

/** Software-defined networking may be off; names do not depend on it. */
async function textOrEmpty(ask: AskProgram, words: readonly string[]): Promise<string> {
  try {
    return await ask(['pvesh', 'get', ...words, '--output-format', 'json']);
  } catch (error) {
    assertKnown(error);
    return '';
  }
}

function jsonOrNull(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

export interface ProxmoxContext {
  /** Pool by guest number, from `pvesh get /cluster/resources --type vm`. */
  readonly pools: ReadonlyMap<number, string>;
  /** Names of VNets, which are bridges, from `pvesh get /cluster/sdn/vnets`. */
  readonly vnets: ReadonlySet<string>;
}

/** PVE::Network.pm: a machine's `tap100i0`, a container's `veth100i0`. */
const guestInterface = /^(tap|veth)(\d{1,9})i(\d{1,3})$/;

/** The guest's number by its interface, and its kind: machine (`qm`) or container (`pct`); null = not of Proxmox VE. */
export function proxmoxOwner(device: string): { readonly id: number; readonly program: 'qm' | 'pct' } | null {
  const [, kind, id] = guestInterface.exec(device) ?? [];
  if (id === undefined) return null;
  return { id: Number(id), program: kind === 'tap' ? 'qm' : 'pct' };
}

/**
 * A guest's interfaces, from lines `key: value` of `qm config ID` or `pct config ID` before any snapshot. The zone is
 * the pool, else the first tag, else the VNet, else the VLAN.
 */
export function proxmoxGuests(
  id: number,
  program: 'qm' | 'pct',
  config: string,
  around: ProxmoxContext,
): readonly GuestRecord[] {
  const { values, nics } = readProxmoxConfig(config);
  const name = values.get(program === 'qm' ? 'name' : 'hostname') || `${program === 'qm' ? 'vm' : 'ct'}${id}`;
  return nics.flatMap(({ number, parts }): readonly GuestRecord[] => {
    // A machine's MAC stands beside its model (virtio=…), a container's has a key of its own.
    const mac =
      normalizeMac(parts.get('hwaddr')) ??
      [...parts.values()].map((part) => normalizeMac(part)).find((mac) => mac !== null) ??
      null;
    const ips = ['ip', 'ip6']
      .map((key) => parts.get(key)?.split('/')[0] ?? '')
      .filter((ip) => /^[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*$/.test(ip));
    return [
      {
        manager: 'proxmox',
        name,
        id: String(id),
        port: `${program === 'qm' ? 'tap' : 'veth'}${id}i${number}`,
        mac,
        ips,
        zone: zoneOf(id, values.get('tags') ?? '', parts, around),
      },
    ];
  });
}

function zoneOf(
  id: number,
  tags: string,
  parts: ReadonlyMap<string, string>,
  { pools, vnets }: ProxmoxContext,
): GuestRecord['zone'] {
  const pool = pools.get(id);
  if (pool !== undefined) return { name: pool, from: 'pool' };
  const [tag] = tags.split(/[;, ]+/).filter((tag) => tag !== '');
  if (tag !== undefined) return { name: tag, from: 'tag' };
  const bridge = parts.get('bridge') ?? '';
  if (vnets.has(bridge)) return { name: bridge, from: 'VNet' };
  const vlan = parts.get('tag');
  return vlan === undefined ? null : { name: `vlan${vlan}`, from: 'VLAN' };
}

/**
 * `pvesh get /cluster/resources --type vm --output-format json` and `pvesh get /cluster/sdn/vnets --output-format
 * json`; other values are ignored.
 */
export function proxmoxContext(resources: unknown, vnets: unknown): ProxmoxContext {
  return {
    pools: new Map(
      objectsOf(resources).flatMap((resource) => {
        const pool = textOf(resource['pool']);
        return typeof resource['vmid'] === 'number' && pool !== null && pool !== ''
          ? [[resource['vmid'], pool] as const]
          : [];
      }),
    ),
    vnets: new Set(objectsOf(vnets).flatMap((vnet) => textOf(vnet['vnet']) ?? [])),
  };
}

/** A guest's configuration of Proxmox VE (qm.conf(5), pct.conf(5)). */
export interface ProxmoxConfig {
  readonly values: ReadonlyMap<string, string>;
  /** `netN`, with settings by name. */
  readonly nics: readonly { readonly number: string; readonly parts: ReadonlyMap<string, string> }[];
}

/** Reads lines of `key: value` before any snapshot. */
export function readProxmoxConfig(text: string): ProxmoxConfig {
  const lines = (text.split(/^\[/m)[0] ?? '').split('\n').map((line) => /^([A-Za-z0-9_-]+):\s*(.*?)\s*$/.exec(line));
  const values = new Map(lines.flatMap((line) => (line === null ? [] : [[line[1] ?? '', line[2] ?? ''] as const])));
  const nics = [...values].flatMap(([key, value]) => {
    const number = /^net(\d{1,3})$/.exec(key)?.[1];
    return number === undefined
      ? []
      : [
          {
            number,
            parts: new Map(
              value
                .split(',')
                .map(
                  (part) => [part.slice(0, Math.max(0, part.indexOf('='))), part.slice(part.indexOf('=') + 1)] as const,
                ),
            ),
          },
        ];
  });
  return { values, nics };
}
