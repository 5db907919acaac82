import { linkNamed, entriesOf } from '../bridge/host.js';
import { isDeafToSources } from '../bridge/view.js';
import { isOnPort, placeOf } from '../model/attach.js';
import type { Flow, Observer, Plan, StepPlan } from '../model/plan.js';
import type { Bridge, Endpoint, Mac } from '../model/scenario.js';
import type { HostState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { probedMacs } from '../probe/addresses.js';
import { escapePath } from '../text/escape.js';
import { kindsOfFlows } from './flows/shortcuts.js';

function observerOf(
  endpoint: Endpoint,
  bridgeMac: string | undefined,
  judged: boolean,
  portOf: (name: string) => string,
): Observer {
  const common = { name: endpoint.name, bridge: endpoint.bridge, role: endpoint.role, judged };
  switch (placeOf(endpoint.attach)) {
    case 'port':
      return {
        ...common,
        interface: endpoint.port ?? endpoint.name,
        place: 'port',
        macs: endpoint.macs,
        ...(endpoint.hop === undefined ? {} : { hop: endpoint.hop }),
      };
    case 'routed':
      return {
        ...common,
        interface: endpoint.port ?? endpoint.name,
        place: 'port',
        macs: endpoint.macs,
        routed: true,
      };
    case 'behind':
      return { ...common, interface: endpoint.port ?? endpoint.name, place: 'relay', macs: endpoint.macs };
    case 'above':
      return {
        ...common,
        interface: endpoint.port ?? endpoint.name,
        place: 'above',
        macs: endpoint.macs,
        ...(endpoint.below === undefined ? {} : { by: { ...endpoint.below, port: portOf(endpoint.below.lower) } }),
      };
    case 'host':
      return {
        ...common,
        interface: endpoint.bridge,
        place: 'bridge',
        macs: bridgeMac === undefined ? endpoint.macs : [bridgeMac],
      };
  }
}

/** Bridges that a step's frames pass: its observers', and hops between. */
export function bridgesPassed({ observers }: Pick<StepPlan, 'observers'>): ReadonlySet<string> {
  return new Set(observers.flatMap(({ bridge, hop }) => (hop === undefined ? [bridge] : [bridge, hop.bridge])));
}

/** True if frames in at an observer's device, not out of it, go to what is behind. */
export function isInward({ place }: Pick<Observer, 'place'>): boolean {
  return place === 'bridge' || place === 'above';
}

/** True if frames in that direction go to what is behind an observer. */
export function isTowards(observer: Pick<Observer, 'place'>, outgoing: boolean): boolean {
  return isInward(observer) !== outgoing;
}

function isHeard({ attach, port }: Endpoint): boolean {
  return placeOf(attach) !== 'behind' || port !== null;
}

/**
 * A step's observers: present endpoints, and bridge devices, which receive the entry controls. Without an endpoint
 * these are observed, not judged; routed segments have none.
 */
export function observersOf(
  present: readonly Endpoint[],
  bridges: readonly Bridge[],
  bridgeMacs: Readonly<Record<string, string>>,
  judgedNames: readonly string[] | null,
): readonly Observer[] {
  // Frames to a lower device are for its guests too
  const lower = new Set(present.flatMap(({ below }) => below?.lower ?? []));
  const isJudged = ({ name, tunnel }: Endpoint): boolean =>
    judgedNames === null ? tunnel === undefined && !lower.has(name) : judgedNames.includes(name);
  const portOf = (name: string): string => present.find((endpoint) => endpoint.name === name)?.port ?? name;
  const ofEndpoints = present
    .filter(isHeard)
    .map((endpoint) => observerOf(endpoint, bridgeMacs[endpoint.bridge], isJudged(endpoint), portOf));
  const devices = bridges
    .filter(({ kind, isDeviceDown = false }) => kind !== 'routed' && !isDeviceDown)
    .filter((bridge) => !ofEndpoints.some((observer) => observer.place === 'bridge' && observer.bridge === bridge.name))
    .map((bridge): Observer => {
      const mac = bridgeMacs[bridge.name];
      return {
        name: bridge.name,
        interface: bridge.name,
        bridge: bridge.name,
        place: 'bridge',
        role: 'host',
        macs: mac === undefined ? [] : [mac],
        judged: false,
      };
    });
  return [...ofEndpoints, ...devices];
}

function hasOverhearable(
  { observers, flows, traffic, listenMs }: StepPlan,
  owners: ReadonlyMap<string, string | undefined>,
): boolean {
  const judged = observers.filter((observer) => observer.judged);
  const ownerOf = (name: string): string => owners.get(name) ?? `endpoint ${name}`;
  const mustNotSee = (name: string, { must, may, from, sender }: Flow): boolean =>
    !must.includes(name) && !may.includes(name) && ![from, sender].map(ownerOf).includes(ownerOf(name));
  return (
    flows.some((flow) => flow.judged && judged.some(({ name, party = name }) => mustNotSee(party, flow))) ||
    traffic.some(({ must, may }) => judged.some(({ name }) => !must.includes(name) && !may.includes(name))) ||
    (listenMs !== null && judged.some(({ place }) => place !== 'bridge'))
  );
}

/**
 * Throws VerifyError (69) if a host's step claims that no endpoint overhears, and none could: the file alone does not
 * show that, as guests are found.
 */
export function refuseUnbreakable(steps: readonly StepPlan[], endpoints: readonly Endpoint[], file: string): void {
  const owners = new Map(endpoints.map(({ name, owner }) => [name, owner]));
  const lines = steps
    .filter(({ expect }) => expect.expected === 'holds' && expect.seen.length === 0)
    .filter((step) => !hasOverhearable(step, owners))
    .map(
      ({ line, name }) =>
        `${escapePath(file)}:${line}: step ${JSON.stringify(name)} can only hold: each observer is the sender, an addressee, a "tunnel", or has the same "owner" as the sender`,
    );
  if (lines.length > 0)
    throw new VerifyError(
      'nothing-to-hear',
      69,
      lines.join('\n'),
      'start or list a guest that must not see it, correct `owner`, `tunnel`, `may_see` or `observers`, or write `expect: unjudged`. Nothing was sent',
    );
}

/** Endpoints that a step sends as. */
export function sendersOf(step: StepPlan): readonly string[] {
  const controls = step.controls.flatMap((control) => control.sender ?? []);
  const announcing = step.learn.filter((name) => step.present.includes(name));
  const senders = new Set<string>();
  for (const { sender } of kindsOfFlows(step.flows)) senders.add(sender);
  return [...new Set([...senders, ...controls, ...announcing])];
}

/** True if an endpoint's bridge learns MACs at its port. */
export function couldLearn(state: HostState, { bridge, port }: Pick<Endpoint, 'bridge' | 'port'>): boolean {
  const ageing = Number(linkNamed(state, bridge)?.bridge?.['ageing_time'] ?? 0);
  return ageing > 0 && !isDeafToSources(linkNamed(state, port), state);
}

/** True if frames for a MAC go to one port: the endpoint's own, or a static entry's. */
export function isKnownThere(state: HostState, { bridge, port }: Pick<Endpoint, 'bridge' | 'port'>, mac: Mac): boolean {
  return entriesOf(state, mac).some(
    (entry) => entry.master === bridge && (entry.port === port || entry.state === 'static'),
  );
}

/**
 * Addressees of known unicast without an entry although the bridge learns (a static one elsewhere counts), and without
 * a chance to speak first in the step. Frames to them would flood, without a fault of the barrier. A line each.
 */
export function silentAddressees(plan: Plan, state: HostState): readonly string[] {
  const lines = plan.steps.flatMap((step) => {
    if (step.changes.length > 0) return []; // the changes decide what the bridge knows then
    const speaking = new Set([...step.learn, ...step.flows.map(({ sender }) => sender)]);
    const addressed = new Set(
      step.flows.filter((flow) => flow.class === 'known-unicast').flatMap((flow) => flow.to ?? []),
    );
    return plan.endpoints
      .filter(({ name, attach }) => isOnPort(attach) && addressed.has(name) && !speaking.has(name))
      .filter((endpoint) => couldLearn(state, endpoint))
      .flatMap((endpoint) =>
        probedMacs(endpoint)
          .filter((mac) => !isKnownThere(state, endpoint, mac))
          .map(
            (mac) =>
              `step ${step.index + 1}: the bridge does not know ${mac} of ${endpoint.name}, so that known unicast to it would be flooded`,
          ),
      );
  });
  return [...new Set(lines)];
}

/** All forwarding is in this kernel; relays and switches in user space poll. */
const withinKernelMs = 150;
/** Frames go on to a NIC or tunnel: a switch beyond may delay them. */
const beyondHostMs = 1000;

/**
 * How long a step by itself waits at most for frames that are still under way after the last probe, in ms: 150 in a lab
 * and on a host whose segment has guests alone, else 1,000.
 */
export function usualDrainMs({ provider, guestsAlone = false }: Pick<Plan, 'provider' | 'guestsAlone'>): number {
  return provider === 'lab' || guestsAlone ? withinKernelMs : beyondHostMs;
}
