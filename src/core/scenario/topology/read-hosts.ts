import { isOnPort } from '../../model/attach.js';
import { onHost } from '../../model/host-names.js';
import type { Bridge, Endpoint, Host, Provider } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { host } from '../schema/topology.js';
import { namePattern } from '../schema/values.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import { salvage } from '../yaml/salvage.js';
import type { EndpointDraft } from './read-endpoint.js';

/** Reads `hosts`; null = none. */
export function readHosts(
  faults: FaultList,
  raw: Readonly<Record<string, unknown>> | undefined,
  path: Path,
  provider: Provider,
): readonly Host[] | null {
  if (raw === undefined) return null;
  return Object.entries(raw).flatMap(([name, value]) => {
    const at = [...path, name];
    if (!namePattern.test(name))
      faults.addKey(
        at,
        `${where(at)}: ${quote(name)} is not a valid name, expected 1 to 63 letters, digits, ".", "_" or "-", beginning with a letter or digit`,
      );
    const read = salvage(faults, host, value ?? {}, at);
    if (read === null) return [];
    const { ssh, command } = read.value;
    if (provider === 'lab' && (ssh !== undefined || command !== undefined))
      faults.addKey(at, `${where(at)}: a host of the lab is a namespace, expected no key below it`);
    if (provider === 'host' && ssh === undefined && !read.dropped.has('ssh'))
      faults.add(at, `${where([...at, 'ssh'])} is missing, expected where ssh(1) finds it, such as root@hv2`);
    // ssh(1) would take it for an option
    if (ssh?.startsWith('-') === true)
      faults.add([...at, 'ssh'], `${where([...at, 'ssh'])}: expected a host, got ${quote(ssh)}`);
    return [{ name, ssh: ssh ?? null, command: command ?? ['verify-isolation'] }];
  });
}

export interface WrittenTopology {
  readonly hosts: readonly Host[] | null;
  readonly provider: Provider;
  /** As written, by the name of the segment. */
  readonly bridges: readonly Bridge[];
  readonly raw: Readonly<Record<string, unknown>>;
  readonly drafts: readonly EndpointDraft[];
  readonly endpoints: readonly Endpoint[];
  readonly path: Path;
}

function hostKey(raw: unknown): string | null {
  return typeof raw === 'object' && raw !== null && 'host' in raw && typeof raw.host === 'string' ? raw.host : null;
}

/**
 * Spreads bridges over the hosts of their endpoints: an endpoint's `host`, else its bridge's. Names on other hosts
 * become HOST/NAME. Without `hosts` nothing changes. All faults located.
 */
export function spreadOverHosts(
  faults: FaultList,
  written: WrittenTopology,
): Pick<WrittenTopology, 'bridges' | 'endpoints'> {
  const { hosts, provider, bridges, raw, drafts, endpoints, path } = written;
  const names = new Set(hosts?.map(({ name }) => name));
  const known = (name: string, at: Path): string => {
    if (!names.has(name))
      faults.add(
        at,
        `${where(at)}: there is no host ${quote(name)}${hosts === null ? ', expected "hosts" in the topology' : didYouMean(name, names)}`,
      );
    return name; // also where it is at fault: what follows from that is not a fault of its own
  };
  const bridgeHost = new Map(
    bridges.map(({ name }) => {
      const hostName = hostKey(raw[name]);
      return [name, hostName === null ? null : known(hostName, [...path, 'bridges', name, 'host'])] as const;
    }),
  );
  const placed = endpoints.map((endpoint, index) => {
    const draft = drafts[index];
    const place = draft?.path ?? path;
    const at = [...place, 'host'];
    const hostName = draft?.raw.host;
    const host = hostName === undefined ? (bridgeHost.get(endpoint.bridge) ?? null) : known(hostName, at);
    checkTunnel(faults, endpoint, [...place, 'tunnel'], provider, known);
    if (hosts !== null && provider === 'lab' && host === null)
      faults.add(
        place,
        `${where(at)} is missing, expected one of ${[...names].join(', ')}: in the lab everything is on one of the hosts`,
      );
    return { endpoint, host };
  });
  if (hosts === null && placed.every((entry) => entry.host === null)) return { bridges, endpoints };
  return {
    bridges: bridges.flatMap((bridge) => {
      const on = placed.filter(({ endpoint }) => endpoint.bridge === bridge.name).map((entry) => entry.host);
      return [...new Set(on.length === 0 ? [bridgeHost.get(bridge.name) ?? null] : on)].map((host) => ({
        ...bridge,
        name: onHost(host, bridge.name),
      }));
    }),
    endpoints: placed.map(({ endpoint, host }) => ({
      ...endpoint,
      bridge: onHost(host, endpoint.bridge),
      port: endpoint.port === null ? null : onHost(host, endpoint.port),
    })),
  };
}

function checkTunnel(
  faults: FaultList,
  { tunnel, role, attach }: Endpoint,
  at: Path,
  provider: Provider,
  known: (name: string, at: Path) => string,
): void {
  if (tunnel === undefined) return;
  tunnel.to.forEach((name) => known(name, [...at, 'to']));
  if (role !== 'uplink' || !isOnPort(attach))
    faults.add(at, `${where(at)}: a tunnel is a port with "role: uplink", got role ${role} and attach ${attach}`);
  if (provider === 'lab' && tunnel.vni === null)
    faults.add(at, `${where([...at, 'vni'])} is missing, expected a VXLAN network identifier from 1 to 16777215`);
}

const helperPath = /^(?:\/(?:[A-Za-z0-9._+-]+\/)*)?verify-isolation$/;

/** Ways to root without a prompt. */
const becomeRoot: readonly (readonly string[])[] = [[], ['sudo', '-n'], ['doas', '-n']];

/**
 * True if a host's `command` starts only this program: `[verify-isolation]` or its path, also behind `sudo -n` or `doas
 * -n`. Any other word would let a scenario start its own program on every host.
 */
export function isHelperCommand(command: readonly string[]): boolean {
  const program = command.at(-1) ?? '';
  const before = command.slice(0, -1);
  return (
    helperPath.test(program) &&
    !program.split('/').includes('..') &&
    becomeRoot.some((words) => words.length === before.length && words.every((word, at) => word === before[at]))
  );
}
