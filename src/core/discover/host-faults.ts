import { linkNamed } from '../bridge/host.js';
import { datapathOf } from '../bridge/ovs.js';
import { isTunnel } from '../bridge/beside.js';
import { isOnPort, isRoutedTo, placeOf } from '../model/attach.js';
import type { FaultCode } from '../model/reasons.js';
import type { Scenario } from '../model/scenario.js';
import type { HostState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { isSharedMac } from '../probe/addresses.js';
import { type AboveDevices, missingAbove } from './above-devices.js';

/** Bridges of datapath system have no interface if the kernel has no datapath for them. */
function withoutDatapath({ topology: { bridges } }: Scenario, state: HostState): readonly string[] {
  return bridges
    .filter(
      ({ name, kind }) =>
        kind === 'ovs' && datapathOf(state, name) === 'system' && linkNamed(state, name) === undefined,
    )
    .map(({ name }) => `${name}: datapath system: the kernel has no datapath of Open vSwitch`);
}

function missing(scenario: Scenario, state: HostState, above: AboveDevices): readonly string[] {
  const bridges = scenario.topology.bridges.flatMap(({ name, kind, datapath }) => {
    if (kind === 'routed')
      return linkNamed(state, name) !== undefined
        ? [`${JSON.stringify(name)} is a device, and no name for guests that the host routes to`]
        : [];
    if (kind === 'lower')
      return linkNamed(state, name) !== undefined ? [] : [`there is no device ${JSON.stringify(name)}`];
    const [wantedKind, what] =
      kind === 'ovs' ? (['openvswitch', 'bridge of Open vSwitch'] as const) : (['bridge', 'Linux bridge'] as const);
    if (linkNamed(state, name)?.kind !== wantedKind) return [`there is no ${what} ${JSON.stringify(name)}`];
    const liveDatapath = kind === 'ovs' ? datapathOf(state, name) : null;
    return datapath === null || datapath === liveDatapath
      ? []
      : [
          `${JSON.stringify(name)} is a bridge of Open vSwitch with datapath ${liveDatapath ?? 'unknown'}, not ${datapath}`,
        ];
  });
  const ports = scenario.topology.endpoints.flatMap(({ name, port, bridge, attach, tunnel }) => {
    if (port === null) return [];
    if (placeOf(attach) === 'above') return [];
    const link = linkNamed(state, port);
    if (link === undefined) return [`${name}: there is no interface ${JSON.stringify(port)}`];
    if (isRoutedTo(attach))
      return link.master === null ? [] : [`${name}: ${JSON.stringify(port)} is a port of ${link.master}`];
    if (tunnel !== undefined && !isTunnel(link, state))
      return [
        `${name}: ${JSON.stringify(port)} is no tunnel but ${link.kind ?? 'a NIC'}: take \`tunnel\` out of the file`,
      ];
    return !isOnPort(attach) || link.master === bridge
      ? []
      : [
          `${name}: ${JSON.stringify(port)} is not a port of ${bridge}${link.master === null ? '' : ` but of ${link.master}`}`,
        ];
  });
  return [...bridges, ...ports, ...missingAbove(scenario, state, above)];
}

function speakersOf({ steps }: Scenario): ReadonlySet<string> {
  return new Set(
    steps.flatMap(({ learn, probes }) => [
      ...learn,
      ...probes.flatMap(({ from, to, via, bothWays }) => [...from, ...(via ?? []), ...(bothWays ? (to ?? []) : [])]),
    ]),
  );
}

/**
 * Sending with a MAC that the bridge has on another port would take it from its owner. If a static entry has it there,
 * only endpoints that send count.
 */
function misplaced(scenario: Scenario, state: HostState): readonly string[] {
  const speaking = speakersOf(scenario);
  return scenario.topology.endpoints
    .filter(({ attach }) => placeOf(attach) !== 'host')
    .flatMap((endpoint) => {
      // a permanent entry may name the bridge device itself
      const place = isOnPort(endpoint.attach) ? endpoint.port : endpoint.bridge;
      return state.fdb
        .filter(
          (entry) =>
            entry.master === endpoint.bridge &&
            endpoint.macs.includes(entry.mac) &&
            entry.port !== place &&
            (speaking.has(endpoint.name) || entry.state !== 'static'),
        )
        .map(
          (entry) =>
            `${endpoint.name}: ${entry.mac} is on ${JSON.stringify(entry.port)}, not on ${JSON.stringify(place)}`,
        );
    });
}

function sharing(scenario: Scenario): readonly string[] {
  const speaking = speakersOf(scenario);
  return scenario.topology.endpoints.flatMap(({ name, macs: [mac] }) =>
    speaking.has(name) && mac !== undefined && isSharedMac(mac) ? [`${name}: ${mac}`] : [],
  );
}

function withoutMac(scenario: Scenario): readonly string[] {
  const speaking = new Set(
    scenario.steps.flatMap((step) => [
      ...step.learn,
      ...step.probes.flatMap(({ from, to, via }) => [...from, ...(to ?? []), ...(via ?? [])]),
    ]),
  );
  return scenario.topology.endpoints
    .filter(({ name, macs, attach }) => placeOf(attach) !== 'host' && macs.length === 0 && speaking.has(name))
    .map(
      ({ name, port, attach }) =>
        `${name}: its MAC is ${isOnPort(attach) ? `neither in the file nor in the forwarding database of ${JSON.stringify(port)}` : 'not in the file, and no forwarding database knows the guest behind a bridge device'}`,
    );
}

/** Throws a VerifyError with a line for each fault, if any. */
export function refuseFaults(
  faults: readonly string[],
  { code, exit, hint }: { readonly code: FaultCode; readonly exit: 3 | 69; readonly hint: string },
): void {
  if (faults.length > 0) throw new VerifyError(code, exit, faults.join('\n'), hint);
}

/** Throws VerifyError (69) if the host lacks bridges, ports or the kernel's datapath of the file. */
export function refuseAbsent(written: Scenario, state: HostState, above: AboveDevices): void {
  refuseFaults(withoutDatapath(written, state), {
    code: 'unsupported',
    exit: 69,
    hint: 'load the module openvswitch (`modprobe openvswitch`), or set datapath_type=netdev',
  });
  refuseFaults(missing(written, state, above), {
    code: 'interface-gone',
    exit: 69,
    hint: '`verify-isolation init` writes a scenario of what runs here now',
  });
}

/** Throws VerifyError (3) if a MAC of the file is on another port. */
export function refuseMoved(scenario: Scenario, state: HostState): void {
  refuseFaults(misplaced(scenario, state), {
    code: 'mac-moved',
    exit: 3,
    hint: 'if two guests have this MAC, give one of them another, else correct the file. To speak with it there would take it from its owner. Nothing was sent',
  });
}

/** Throws VerifyError (3) if an endpoint that sends or is sent to has no MAC, or one of several machines. */
export function refuseUnspoken(complete: Scenario): void {
  refuseFaults(withoutMac(complete), {
    code: 'mac-unknown',
    exit: 3,
    hint: 'write its `mac` into the file, or ping from it once. Nothing was sent',
  });
  const shared = sharing(complete).map(
    (text) => `${text} is an address that several machines share (VRRP, HSRP, a load balancer)`,
  );
  refuseFaults(shared, {
    code: 'mac-shared',
    exit: 3,
    hint: 'to speak with it would take it from the one that has it: write another `mac`, or take the endpoint out of `from`. Nothing was sent',
  });
}
