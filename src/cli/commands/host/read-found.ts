import { witnessLimits } from '../../../core/bridge/bypass/witnesses.js';
import { lowerGuests, routedGuests } from '../../../core/bridge/beside.js';
import { addressesInFlows } from '../../../core/bridge/ovs-settings.js';
import { addressesInRules, addressesInRuleText, hasHiddenMacs } from '../../../core/discover/recorded-addresses.js';
import type { HostOptions, WholeInput } from '../../../core/discover/whole/compose.js';
import type { ProbeClassName } from '../../../core/model/scenario.js';
import { probeClasses } from '../../../core/probe/classes.js';
import { netnsPath } from '../../../core/model/fabric.js';
import type { Manager } from '../../../core/model/host-config.js';
import { usageError } from '../../../core/model/verify-error.js';
import { milliseconds } from '../../../core/text/time.js';
import { addressesIn, parseNeighbours } from '../../../system/fabric/host/find.js';
import { readJson, runProgram } from '../../../system/process/programs.js';
import { readBeside } from '../../../system/state/read-beside.js';
import { hearGuests } from '../../../system/state/hear-guests.js';
import { readManagers } from '../../../system/state/read-managers.js';
import { readState } from '../../../system/state/read.js';
import { readLeases } from '../../../system/state/read-leases.js';
import { readInventory } from '../../../system/state/read-inventory.js';

type HostParts = Pick<WholeInput, 'state' | 'neighbours'>;

async function readHost(netns: string | null, sysctl: readonly string[]): Promise<HostParts> {
  const [state, neighbours] = await Promise.all([
    readState({ netns, sysfs: false, sysctl, ovs: true }),
    readJson(['ip', '-j', 'neigh', 'show'], { netns }),
  ]);
  const inText = hasHiddenMacs(state) ? (await runProgram(['nft', '-s', 'list', 'ruleset'], { netns })).stdout : '';
  return {
    state,
    neighbours: [
      ...parseNeighbours(neighbours),
      ...addressesInRules(state),
      ...addressesInRuleText(inText),
      ...readLeases(),
    ],
  };
}

/** In the file that `init` prints and `run` keeps. */
export const howToRun = 'Run it with: verify-isolation run FILE';

const hearMs = 2000;

export interface WholeOptions {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly guest: readonly string[];
  readonly zone: readonly string[];
  readonly class: readonly string[];
  readonly allowDisruptive?: boolean;
  readonly allowNewMacs?: boolean;
  readonly rate: number | undefined;
  /** Witnesses a rule; absent = the most. */
  readonly rules?: number | undefined;
  readonly for: string | undefined;
}

const isolating: readonly Manager[] = ['libvirt', 'proxmox'];

/** br_netfilter hands bridged packets to the host's firewall. */
const handedOver = ['net.bridge.bridge-nf-call-iptables', 'net.bridge.bridge-nf-call-ip6tables'];

function rulesOf({ rules = witnessLimits.perRule }: WholeOptions): number {
  if (Number.isInteger(rules) && rules >= 0 && rules <= witnessLimits.perRule) return rules;
  const expected = `frames that ask a rule, 0 to ${witnessLimits.perRule}`;
  throw usageError(`--rules ${rules}: expected ${expected}`, '0 asks no rule');
}

function wishesOf(options: WholeOptions): HostOptions {
  const { rate = null } = options;
  if (rate !== null && (!Number.isInteger(rate) || rate < 1 || rate > 100_000))
    throw usageError(`--rate ${rate}: expected frames a second, 1 to 100,000`, 'for example 1000');
  const forMs = options.for === undefined ? null : milliseconds(options.for);
  if (options.for !== undefined && (forMs === null || forMs === 0))
    throw usageError(`--for ${options.for}: expected a time with unit`, 'for example --for 30s');
  return {
    bridge: options.bridge ?? null,
    guests: options.guest,
    zones: options.zone,
    classes: probeClasses.filter((name: ProbeClassName) => options.class.includes(name)),
    catalogue: options.class.includes('all')
      ? { disruptive: options.allowDisruptive ?? false, newMacs: options.allowNewMacs ?? false }
      : null,
    rate,
    rules: rulesOf(options),
    forMs,
  };
}

/** Reads and hears the host for `wholeScenario`, without changes or frames. VerifyError (64) for options. */
export async function readInput(options: WholeOptions): Promise<WholeInput> {
  const netns = options.netns ?? null;
  const where = netnsPath(netns);
  const wishes = wishesOf(options);
  const [read, beside, shown] = await Promise.all([
    readHost(where, handedOver),
    readBeside(where),
    readJson(['ip', '-j', 'address', 'show'], { netns: where }),
  ]);
  const heard = await hearGuests(read, where, hearMs);
  const host = {
    state: { ...read.state, fdb: [...read.state.fdb, ...heard.fdb] },
    neighbours: [...read.neighbours, ...addressesInFlows(read.state), ...heard.neighbours],
    heard: new Map([
      ...(read.state.ovs?.ports ?? []).flatMap(({ name, mac }) => (mac === undefined ? [] : [[name, mac] as const])),
      ...heard.macs,
    ]),
    behind: heard.behind,
  };
  const hasBridge = host.state.links.some(({ kind }) => kind === 'bridge' || kind === 'openvswitch');
  const unbridged = [...routedGuests(host.state, beside), ...lowerGuests(host.state, beside)];
  const hasGuests = hasBridge || unbridged.length > 0;
  const inventory = hasGuests ? await readInventory(host.state, where) : { guests: [], unread: [] };
  const isConfigured = netns === null && inventory.guests.some(({ manager }) => isolating.includes(manager));
  return {
    ...host,
    inventory,
    declared: isConfigured ? (await readManagers(host.state)).isolated : [],
    beside,
    addresses: addressesIn(shown),
    netns,
    wishes,
  };
}
