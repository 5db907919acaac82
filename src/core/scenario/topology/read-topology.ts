import type { z } from 'zod';
import type { Endpoint, Provider, Topology } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { endpoint, topologyShell } from '../schema/topology.js';
import { namePattern } from '../schema/values.js';
import { isFreeSysctl } from '../free-commands.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import { salvage } from '../yaml/salvage.js';
import { assignAddresses } from './assign-addresses.js';
import { topologyConflicts } from './conflicts.js';
import { expandGenerate } from './generate.js';
import { readBridge } from './read-bridge.js';
import { type EndpointDraft, readEndpoint } from './read-endpoint.js';
import { readHosts, spreadOverHosts } from './read-hosts.js';

export interface TopologyReading {
  readonly topology: Topology;
  /** Every named endpoint and bridge, also faulty ones: references to them are no faults. */
  readonly names: ReadonlySet<string>;
  readonly bridgeNames: ReadonlySet<string>;
  readonly complete: boolean;
}

const empty: TopologyReading = {
  topology: { provider: 'lab', bridges: [], endpoints: [], sysctl: {} },
  names: new Set(),
  bridgeNames: new Set(),
  complete: false,
};

/** Reads `topology`: bridges, endpoints, generate blocks, sysctl; all faults at once. */
export function readTopology(faults: FaultList, raw: unknown): TopologyReading {
  const path: Path = ['topology'];
  const before = faults.faults.length;
  const shell = salvage(faults, topologyShell, raw, path);
  if (shell === null) return empty;
  const { value } = shell;
  const provider: Provider = value.provider ?? 'lab';
  const bridgeNames = new Set(Object.keys(value.bridges));
  if (bridgeNames.size === 0) faults.add([...path, 'bridges'], 'topology.bridges: expected at least one bridge');
  const written = Object.entries(value.bridges).flatMap(
    ([name, bridge]) => readBridge(faults, name, bridge, [...path, 'bridges', name], provider) ?? [],
  );
  const names = new Set<string>(Object.keys(value.endpoints ?? {}));
  const drafts = [
    ...readDrafts(faults, value.endpoints ?? {}, [...path, 'endpoints']),
    ...expandGenerate(faults, value.generate ?? [], [...path, 'generate'], names),
  ];
  for (const draft of drafts) {
    names.add(draft.name);
    checkBridge(faults, draft, bridgeNames);
  }
  const kinds = new Map(written.map(({ name, kind }) => [name, kind]));
  const read = drafts.map((draft) => readEndpoint(faults, draft, provider, kinds));
  const addresses = written.flatMap((bridge) => bridge.addresses);
  const hosts = readHosts(faults, value.hosts, [...path, 'hosts'], provider);
  const assigned: readonly Endpoint[] = assignAddresses(faults, drafts, read, addresses, provider);
  const { bridges, endpoints } = spreadOverHosts(faults, {
    hosts,
    provider,
    bridges: written,
    drafts,
    endpoints: assigned,
    raw: value.bridges,
    path,
  });
  const broken = faults.faults.length > before;
  topologyConflicts(faults, drafts, endpoints, bridges, provider);
  if (provider === 'host' && value.sysctl !== undefined)
    faults.addKey(
      [...path, 'sysctl'],
      'topology.sysctl is of the lab only, expected no such key with "provider: host"',
    );
  const sysctl = readSysctls(faults, value.sysctl ?? {}, [...path, 'sysctl']);
  return {
    topology: {
      provider,
      bridges,
      endpoints,
      sysctl,
      ...(hosts === null ? {} : { hosts }),
    },
    names,
    bridgeNames,
    complete: !broken,
  };
}

type RawTopology = z.output<typeof topologyShell>;

function readDrafts(
  faults: FaultList,
  raw: NonNullable<RawTopology['endpoints']>,
  path: Path,
): readonly EndpointDraft[] {
  return Object.entries(raw).flatMap(([name, value]): readonly EndpointDraft[] => {
    const at = [...path, name];
    if (!namePattern.test(name))
      faults.addKey(
        at,
        `${where(at)}: ${quote(name)} is not a valid name, expected 1 to 63 letters, digits, ".", "_" or "-", beginning with a letter or digit`,
      );
    const read = salvage(faults, endpoint, value, at);
    return read === null ? [] : [{ name, path: at, raw: read.value, dropped: read.dropped, generated: false }];
  });
}

function checkBridge(faults: FaultList, { raw, dropped, path }: EndpointDraft, bridges: ReadonlySet<string>): void {
  if (bridges.has(raw.bridge) || dropped.has('bridge')) return;
  const at = [...path, 'bridge'];
  faults.add(at, `${where(at)}: there is no bridge ${quote(raw.bridge)}${didYouMean(raw.bridge, bridges)}`);
}

/** Values of sysctls as text, switches as 1 and 0; those beyond a network namespace are faults. */
export function readSysctls(
  faults: FaultList,
  raw: Readonly<Record<string, string | number | boolean>>,
  path: Path,
): Readonly<Record<string, string>> {
  for (const name of Object.keys(raw))
    if (!isFreeSysctl(name))
      faults.addKey(
        [...path, name],
        `${where(path)}: ${quote(name)} is of the whole machine, expected a sysctl of a network namespace, such as net.ipv4.ip_forward`,
      );
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, sysctlText(value)]));
}

function sysctlText(value: string | number | boolean): string {
  if (value === true || value === 'on') return '1';
  return value === false || value === 'off' ? '0' : String(value);
}
