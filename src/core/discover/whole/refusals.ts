import type { UnbridgedSegment } from '../../bridge/beside.js';
import type { Hops } from '../../bridge/hops.js';
import { covers, type Prefix, prefixOf } from '../../bridge/routing.js';
import { macsBehind } from '../../bridge/view.js';
import { commandText } from '../../fix/fix-text.js';
import type { HostState, LinkState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';
import { namesIn } from '../../text/collections.js';
import { type FoundEntry, joinedBridge } from '../found-endpoints.js';

/** A line on left-out guests, with the command that examines them. */
export function besideNote({ place, value, text, command }: UnbridgedSegment): string {
  return `not examined: ${place} (${value}): ${text}${command === null ? '' : `: ${command}`}`;
}

/** The error of a run without guests, with the command to type. */
export function nothingToExamine(
  hasBridges: boolean,
  { guests, zones }: { readonly guests: readonly string[]; readonly zones: readonly string[] },
  others: readonly UnbridgedSegment[],
  apart: readonly UnbridgedSegment[],
): VerifyError {
  if (hasBridges && guests.length + zones.length > 0)
    return new VerifyError(
      'nothing-to-examine',
      69,
      `no guest here is ${[...guests, ...zones.map((zone) => `in zone ${zone}`)].join(' or ')}`,
      '`verify-isolation init` prints the guests that are here',
    );
  const commands = [...others, ...apart].flatMap(({ command }) => command ?? []);
  if (others.length > 0) {
    return new VerifyError(
      'nothing-to-examine',
      69,
      ['no guest is on a bridge of this namespace, so that nothing can be sent here', ...others.map(besideNote)].join(
        '\n',
      ),
      commands.length > 0
        ? commands.join('; ')
        : '`verify-isolation audit` says what the settings of these guests let through',
    );
  }
  return new VerifyError(
    'nothing-to-examine',
    69,
    'nothing to examine: no guest is on a bridge of this machine',
    commands.length > 0
      ? commands.join('; ')
      : 'run it on the virtualization host, in the namespace of its bridge (--netns). To see what it does, without a host: verify-isolation demo (in a checkout: npm start)',
  );
}

/** Bridges of one network, where each hears the others' frames: one run tests one of them. */
export class JoinedBridges extends VerifyError {
  /** Every place with guests, as `--bridge` takes it. */
  readonly places: readonly string[];
  /** Which port joins which bridges. */
  readonly why: string;
  /** False if the host has addresses of two networks there: guests that are to be apart may be together. */
  readonly isMeant: boolean;

  constructor(joints: readonly Joint[], places: readonly string[], isMeant: boolean) {
    const why = joints
      .map(
        ({ name, master, beyond }) =>
          `${JSON.stringify(name)} joins ${JSON.stringify(master)} to ${JSON.stringify(beyond)}`,
      )
      .join(', ');
    const commands = [...new Set(joints.map(({ master }) => master))].map((bridge) =>
      commandText(['verify-isolation', 'run', '--bridge', bridge]),
    );
    super(
      'unsupported',
      69,
      `${why}, and one run tests one bridge of such a network`,
      `type: ${commands.join(', then ')}. Each takes the port to the other bridge for an uplink, and tests its own guests alone. ${isMeant ? '' : 'The host has addresses of two networks there: if their guests are to be apart, take the port off its bridge. '}Nothing was sent`,
    );
    this.why = why;
    this.isMeant = isMeant;
    this.places = places;
  }
}

interface Joint {
  readonly name: string;
  readonly master: string;
  readonly beyond: string;
}

type Addresses = Readonly<Record<string, readonly string[]>>;

/** The host's networks on a bridge, of IPv4. */
function networksOn(bridge: string, addresses: Addresses): readonly Prefix[] {
  return (addresses[bridge] ?? []).flatMap((address) => prefixOf(address, 4) ?? []);
}

function isOneNetwork({ master, beyond }: Joint, addresses: Addresses): boolean {
  const [near, far] = [networksOn(master, addresses), networksOn(beyond, addresses)];
  if (near.length === 0 || far.length === 0) return true;
  return near.some((prefix) => far.some((beside) => covers(prefix, beside) || covers(beside, prefix)));
}

interface JoinedBridge {
  readonly bridge: string;
  readonly members: readonly LinkState[];
  readonly entries: readonly FoundEntry[];
}

/** Throws JoinedBridges if a pair leads from one bridge to another, or their NICs into one LAN. */
export function refuseJoined(
  bridges: readonly JoinedBridge[],
  places: readonly string[],
  { state, addresses }: { readonly state: HostState; readonly addresses: Addresses },
  hops: Hops,
): void {
  const ports = bridges.flatMap(({ members }) => members).filter(({ name }) => !hops.has(name));
  const masters = new Set(ports.map(({ master }) => master));
  const byPair = ports.flatMap((port): readonly Joint[] => {
    const { name, master } = port;
    const beyond = joinedBridge(port, state);
    return master !== null && beyond !== null && masters.has(beyond) ? [{ name, master, beyond }] : [];
  });
  const pairs = new Set(namesIn(byPair));
  const joints = [...byPair, ...jointsByLan(bridges, state).filter(({ name }) => !pairs.has(name))];
  if (joints.length === 0) return;
  throw new JoinedBridges(
    joints,
    places,
    joints.every((joint) => isOneNetwork(joint, addresses)),
  );
}

/** An uplink at which the bridge has learned a guest of another bridge, which sends from there too. */
function jointsByLan(bridges: readonly JoinedBridge[], state: HostState): readonly Joint[] {
  const bridgeOf = new Map(
    bridges.flatMap(({ bridge, entries }) =>
      entries.flatMap(({ endpoint: { role, mac }, spoke, others = [] }) =>
        role === undefined && spoke && mac !== undefined
          ? [mac, ...others].map((known) => [known, bridge] as const)
          : [],
      ),
    ),
  );
  return bridges.flatMap(({ bridge: master, entries }) =>
    entries.flatMap(({ endpoint: { role, port: name } }) => {
      if (role !== 'uplink') return [];
      const bridgesHeard = new Set(macsBehind(state, master, name).flatMap((mac) => bridgeOf.get(mac) ?? []));
      bridgesHeard.delete(master);
      return Array.from(bridgesHeard, (beyond) => ({ name, master, beyond }));
    }),
  );
}
