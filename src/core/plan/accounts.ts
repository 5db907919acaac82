import type { StepPlan } from '../model/plan.js';
import type { LinkedDevice } from '../model/state.js';
import type { Account } from '../model/timeline.js';
import { mapByName } from '../text/collections.js';

/** What has to be known of the machine to say how many frames may be under way at a port. */
export interface AccountScope {
  /** Processors that can send at the same time. */
  readonly processors: number;
  /**
   * Does that veth end take frames by polling (NAPI: GRO or an XDP program there)? Then they wait in a ring before they
   * count. undefined = the end was not found.
   */
  readonly polls: (end: LinkedDevice | undefined) => boolean;
  /** All veth ports in one account: there are too many for a socket each. */
  readonly pooled: boolean;
}

/** Frames that a queue of a veth holds for an end that polls: VETH_RING_SIZE of drivers/net/veth.c. */
const vethRing = 256;
/** txqueuelen of a tap, where the kernel does not report it: TUN_READQ_SIZE of drivers/net/tun.c. */
const tapQueue = 500;

/** How many frames may be between the ears and the counter; null = this kind of port has no counter that closes. */
function heldAt(
  port: LinkedDevice,
  far: LinkedDevice | undefined,
  { processors, polls }: AccountScope,
): Pick<Account, 'kind' | 'held'> | null {
  if (port.kind === 'tun') return { kind: 'tap', held: processors + (port.queue ?? tapQueue) };
  if (port.kind !== 'veth') return null;
  return { kind: 'veth', held: processors + (polls(far) ? vethRing * processors : 0) };
}

/**
 * The accounts of a step, by name: one for each port that is a veth or a tap, called as its port; pooled, one for all
 * veth ports whose far end does not poll. `devices`: those of the bridges' namespace, and the other ends of their
 * veths.
 */
export function accountsOf(
  { observers }: Pick<StepPlan, 'observers'>,
  devices: readonly LinkedDevice[],
  scope: AccountScope,
): Readonly<Record<string, Account>> {
  const here = mapByName(devices.filter(({ space }) => space === null));
  const farEnds = new Map(
    devices.flatMap((device) => (device.kind === 'veth' && device.lower !== null ? [[device.lower, device]] : [])),
  );
  const single = observers.flatMap(({ name, interface: device, place }): readonly Account[] => {
    const port = place === 'port' ? here.get(device) : undefined;
    const held = port === undefined ? null : heldAt(port, farEnds.get(port.ifindex), scope);
    return held === null ? [] : [{ observers: [name], ports: [device], ...held, processors: scope.processors }];
  });
  if (!scope.pooled) return Object.fromEntries(single.map((account) => [account.ports.join(), account]));
  const closing = single.filter(({ kind, held }) => kind === 'veth' && held === scope.processors);
  if (closing.length === 0) return {};
  const bridges = new Set(observers.filter(({ place }) => place === 'port').map(({ bridge }) => bridge));
  return {
    [[...bridges].join('+')]: {
      observers: closing.flatMap((account) => account.observers),
      ports: closing.flatMap((account) => account.ports),
      kind: 'veth',
      held: scope.processors,
      processors: scope.processors,
    },
  };
}

/**
 * The accounts behind ports, by name: of those of `accounts` that are one veth port with an end that can be read. What
 * comes in there and never left by the port was handed over past it, as `bpf_redirect_peer` does (bpf-helpers(7)).
 */
export function insideAccounts(
  accounts: Readonly<Record<string, Account>>,
  isReadable: (port: string) => boolean,
): Readonly<Record<string, Account>> {
  return Object.fromEntries(
    Object.entries(accounts).flatMap(([name, account]): readonly (readonly [string, Account])[] => {
      const [port, second] = account.ports;
      if (port === undefined || second !== undefined || account.kind !== 'veth' || !isReadable(port)) return [];
      // both ends are counted by one counter of each processor (veth_get_stats64, drivers/net/veth.c)
      return [[`${name} inside`, { ...account, kind: 'inside', held: account.processors }]];
    }),
  );
}
