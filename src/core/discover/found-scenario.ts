import { linkNamed, portsOf } from '../bridge/host.js';
import { unheardPorts } from '../bridge/ovs.js';
import type { GuestRecord, Inventory } from '../model/host-config.js';
import type { HostState } from '../model/state.js';
import { VerifyError, usageError } from '../model/verify-error.js';
import type { foundEndpoints, FoundEntry, FileEndpoint } from './found-endpoints.js';
import { hopBridges, type Hops, hopsOf } from '../bridge/hops.js';
import { deafness } from '../bridge/view.js';

/** A scenario file as data. */
export interface FoundScenario {
  readonly version: 1;
  readonly name: string;
  readonly topology: {
    readonly provider: 'host';
    readonly bridges: Readonly<Record<string, { readonly kind?: 'ovs' | 'routed' | 'lower'; readonly netns?: string }>>;
    readonly endpoints: Readonly<Record<string, FileEndpoint>>;
  };
  readonly steps: readonly object[];
}

/** A scenario with notes for its reader. */
export interface Found {
  readonly scenario: FoundScenario;
  /** For the file's head: left-out ports, programs that could not be asked. */
  readonly notes: readonly string[];
  /** For the head: what the file does not cover and a run reports by itself. Absent = not looked for. */
  readonly beside?: readonly string[];
  /** By endpoint: the source of its name and zone. */
  readonly origins: Readonly<Record<string, string>>;
}

/** Without Open vSwitch's answers all its bridges are one link, its datapath. */
function withPortsIn(state: HostState): readonly string[] {
  return state.links
    .filter(
      ({ name, kind }) =>
        (kind === 'bridge' || (kind === 'openvswitch' && state.ovs !== undefined)) && portsOf(state, name).length > 0,
    )
    .map(({ name }) => name);
}

/** Names of bridges with ports that are no hops, or the named one. Throws VerifyError (69) if that has no ports. */
export function bridgesWithPorts(
  state: HostState,
  named: string | null,
  hops: Hops = hopsOf(state),
): readonly string[] {
  const withPorts = withPortsIn(state);
  const between = hopBridges(hops);
  if (named === null) return withPorts.filter((name) => !between.has(name));
  if (withPorts.includes(named)) return [named];
  if (hasUnreadSwitch(state, named)) throw unreadSwitch(`${JSON.stringify(named)} is a bridge of Open vSwitch`);
  throw new VerifyError(
    'interface-gone',
    69,
    `there is no bridge ${JSON.stringify(named)} with ports`,
    withPorts.length === 0
      ? 'no bridge here has any'
      : `there are: ${withPorts.map((name) => JSON.stringify(name)).join(', ')}`,
  );
}

/** A bridge of Open vSwitch, by name if given, in a state read without the switch. */
function hasUnreadSwitch({ links, ovs }: HostState, named: string | null = null): boolean {
  return (
    ovs === undefined && links.some(({ name, kind }) => kind === 'openvswitch' && (named === null || name === named))
  );
}

function unreadSwitch(what: string): VerifyError {
  return new VerifyError(
    'unsupported',
    69,
    `${what}, which was not asked for its ports`,
    '`run`, `init` and `listen` ask it (ovs-vsctl, as root)',
  );
}

/** The named bridge, or the only one with ports that is no hop. Throws VerifyError: 69 = none, 64 = several. */
export function chooseBridge(state: HostState, named: string | null): string {
  const [first, second] = bridgesWithPorts(state, named);
  if (first === undefined && hasUnreadSwitch(state)) throw unreadSwitch('the bridges here are of Open vSwitch');
  if (first === undefined)
    throw new VerifyError(
      'interface-gone',
      69,
      'there is no bridge with ports',
      'run it on the virtualization host, in the namespace of its bridge',
    );
  if (second !== undefined)
    throw usageError(
      `there are several bridges: ${bridgesWithPorts(state, null)
        .map((name) => JSON.stringify(name))
        .join(', ')}`,
      'choose one with --bridge',
    );
  return first;
}

/** The remedy if too few guests can be sent as: Open vSwitch learns no MAC without a flow NORMAL. */
export function silenceHint({ ovs }: HostState, bridges: readonly string[]): string {
  const unlearning = ovs?.bridges.find(
    ({ name, flows }) => bridges.includes(name) && !flows.some((flow) => /\bnormal\b/i.test(flow)),
  );
  if (unlearning !== undefined)
    return `${unlearning.name} learns no MAC: write down each guest's (ovs-vsctl set Interface PORT 'external_ids:attached-mac="MAC"'), and try again`;
  return 'start the guests, ping from each once, and try again';
}

/** The kind of a bridge in a scenario file. */
export function writtenKind(state: HostState, bridge: string): { readonly kind?: 'ovs' } {
  return linkNamed(state, bridge)?.kind === 'openvswitch' ? { kind: 'ovs' } : {};
}

function originOf({ manager, zone, isClaimed }: GuestRecord): string {
  if (isClaimed === true) return `claimed by ${manager}, a process of an ordinary user`;
  return `named by ${manager}${zone === null ? '' : `, zone by ${zone.from}`}`;
}

/** Sources of endpoints' names. */
export function originsOf(entries: readonly FoundEntry[]): Found['origins'] {
  return Object.fromEntries(
    entries.flatMap(({ name, guest }) => (guest === null ? [] : [[name, originOf(guest)] as const])),
  );
}

/** Unobservable ports of a bridge, and why; and that a switch goes on without its own device. */
export function leftOutNotes(
  {
    bridge,
    members,
    ports,
  }: Pick<ReturnType<typeof foundEndpoints>, 'members' | 'ports'> & { readonly bridge: string },
  state: HostState,
): readonly string[] {
  const device = linkNamed(state, bridge);
  const isDown = device?.kind === 'openvswitch' && !device.flags.includes('UP');
  return [
    ...(isDown ? [`${bridge}: its own device is down: the host is not on it`] : []),
    ...members.flatMap((link) =>
      ports.includes(link)
        ? []
        : [`left out: ${link.name}: ${deafness(link) ?? 'the guest’s port behind it has no carrier'}`],
    ),
    ...unheardPorts(state).flatMap(({ bridge: of, port, reason }) =>
      of === bridge && !ports.some(({ name }) => name === port)
        ? [`left out: ${port}: ${reason}, so that nothing holds unless the file says \`scope: { partial: … }\``]
        : [],
    ),
  ];
}

/** Programs that could not be asked. */
export function unreadNotes({ unread }: Inventory): readonly string[] {
  return unread.map(({ what, why }) => `${what} could not be asked for names: ${why}`);
}
