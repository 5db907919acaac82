import type { StepPlan } from '../model/plan.js';
import type { LinkedDevice } from '../model/state.js';
import type { Account } from '../model/timeline.js';
import { mapByName } from '../text/collections.js';

/** Bounds the frames under way at a port. */
export interface AccountScope {
  /** Processors that can send at once. */
  readonly processors: number;
  /**
   * True if that veth end polls (NAPI: GRO or an XDP program): frames wait in a ring before they count. undefined = not
   * found.
   */
  readonly polls: (end: LinkedDevice | undefined) => boolean;
  /** Too many veth ports for a socket each: one account. */
  readonly pooled: boolean;
}

/** Ring of a polling veth end: VETH_RING_SIZE of drivers/net/veth.c. */
const vethRing = 256;
/** Default txqueuelen of a tap: TUN_READQ_SIZE of drivers/net/tun.c. */
const tapQueue = 500;

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
 * A step's accounts by name: one a veth or tap port, as the port; pooled, one for all veth ports whose far end does not
 * poll. `devices`: the bridges' namespace's, and far ends.
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
 * Accounts behind single veth ports with a readable end, by name. Frames that came in there without leaving by the port
 * went past it, as by `bpf_redirect_peer` (bpf-helpers(7)).
 */
export function insideAccounts(
  accounts: Readonly<Record<string, Account>>,
  isReadable: (port: string) => boolean,
): Readonly<Record<string, Account>> {
  return Object.fromEntries(
    Object.entries(accounts).flatMap(([name, account]): readonly (readonly [string, Account])[] => {
      const [port, second] = account.ports;
      if (port === undefined || second !== undefined || account.kind !== 'veth' || !isReadable(port)) return [];
      // both ends share one counter a processor (veth_get_stats64, drivers/net/veth.c)
      return [[`${name} inside`, { ...account, kind: 'inside', held: account.processors }]];
    }),
  );
}
