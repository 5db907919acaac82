import type { HostState, Snapshot } from '../model/state.js';
import { type Fields, fieldsOf, objectsOf, objectsWithin, textOf } from '../text/json-text.js';
import { type BridgeView, isHandedOver } from './view.js';

/** What acts on frames beside the bridge's own settings. */
export interface Diversions {
  /** Copies that tc makes of what enters (`ingress`) or leaves (`egress`) a device and sends out of another. */
  readonly copies: readonly { readonly from: string; readonly to: string; readonly place: string }[];
  /** Something may stop frames between ports. */
  readonly filter: string | null;
  /** Something may stop what the host forwards. */
  readonly routeFilter: string | null;
  /** Something may carry them elsewhere. */
  readonly program: string | null;
  /** A port acts as multicast router: somebody asks for members. */
  readonly querier: boolean;
  readonly forwards: { readonly ipv4: boolean; readonly ipv6: boolean };
  /** It could not be read. */
  readonly unread: string | null;
}

/** Rules of IP see bridged frames only while br_netfilter hands them over. */
function callsNetfilter({ settings }: BridgeView, { sysctl }: HostState): boolean {
  return (['iptables', 'ip6tables', 'arptables'] as const).some((table) => isHandedOver(table, settings, sysctl));
}

/** Chains and rules of nft that act somewhere: rules, and chains that drop by policy. */
function actingParts(
  nft: unknown,
): readonly { readonly family: string; readonly part: Fields; readonly devices: readonly string[] }[] {
  const parts = objectsOf(fieldsOf(nft)?.['nftables']);
  const chains = parts.flatMap((part) => objectsOf([part['chain']]));
  return parts
    .flatMap((part) => [
      ...objectsOf([part['rule']]),
      ...objectsOf([part['chain']]).filter((chain) => chain['policy'] === 'drop'),
    ])
    .map((part) => {
      const chain = chains.find(
        (chain) =>
          chain['family'] === part['family'] &&
          chain['table'] === part['table'] &&
          chain['name'] === (part['chain'] ?? part['name']),
      );
      return {
        family: textOf(part['family']) ?? '',
        part,
        devices: [chain?.['dev']].flat().filter((device) => typeof device === 'string'),
      };
    });
}

/** A copy lets the frame go on its way (tc-mirred(8)); any other action may not. */
function stops(filters: unknown): boolean {
  return [...objectsWithin(filters)]
    .flatMap((filter) => objectsOf(filter['actions']))
    .some((action) => action['kind'] !== 'mirred' || action['mirred_action'] !== 'mirror');
}

interface FiltersOfPlace {
  readonly device: string;
  /** `ingress`, `egress`, `root` or a parent. */
  readonly place: string;
  readonly filters: unknown;
}

function filtersAt(devices: ReadonlySet<string>, state: Pick<HostState, 'tc'>): readonly FiltersOfPlace[] {
  return Object.entries(fieldsOf(fieldsOf(state.tc)?.['filters']) ?? {})
    .map(([key, filters]) => ({
      device: key.slice(0, key.lastIndexOf(' ')),
      place: key.slice(key.lastIndexOf(' ') + 1),
      filters,
    }))
    .filter(({ device }) => devices.has(device));
}

/** Where tc-mirred(8) moves or copies frames; `out`: it leaves there, else it enters there. */
function movesOf(
  places: readonly FiltersOfPlace[],
): readonly { readonly from: string; readonly to: string; readonly place: string; readonly out: boolean }[] {
  return places.flatMap(({ device, place, filters }) =>
    [...objectsWithin(filters)]
      .filter(({ kind }) => kind === 'mirred')
      .map((action) => ({
        from: device,
        to: textOf(action['to_dev']) ?? '',
        place,
        out: action['direction'] === 'egress',
      })),
  );
}

/** Copies that tc makes of what enters or leaves these devices and sends out of others. */
export function tcCopies(devices: ReadonlySet<string>, state: Pick<HostState, 'tc'>): Diversions['copies'] {
  return movesOf(filtersAt(devices, state))
    .filter(({ out }) => out)
    .map(({ from, to, place }) => ({ from, to, place }));
}

function stopBelowNft(byTc: boolean, byXdp: boolean): string | null {
  if (byTc) return 'filters of tc may stop it';
  return byXdp ? 'an XDP program may stop it' : null;
}

function diversionOf(byNft: boolean, byXdp: boolean, byTc: boolean): string | null {
  if (byNft) return 'a rule of nft may carry it elsewhere';
  if (byXdp) return 'an XDP program may carry it elsewhere';
  return byTc ? 'a filter of tc carries frames elsewhere' : null;
}

/** What of a snapshot acts on frames of one bridge. */
export function diversionsOf(view: BridgeView, { state }: Snapshot): Diversions {
  const unread = state.unread.find(({ what }) => ['tc', 'nft', 'fdb'].includes(what));
  const tc = filtersAt(view.devices, state);
  const moved = movesOf(tc);
  const parts = actingParts(state.nft);
  const netfilter = callsNetfilter(view, state);
  const bridged = parts.filter(
    ({ family, devices }) =>
      family === 'bridge' ||
      (family === 'netdev' ? devices.length === 0 || devices.some((device) => view.devices.has(device)) : netfilter),
  );
  const diverting = parts.some(({ part }) =>
    objectsOf(part['expr']).some((expression) => 'dup' in expression || 'fwd' in expression),
  );
  const xdp = [view.link, ...view.ports.map(({ link }) => link)].some((link) => link.xdp !== undefined);
  // A queueing discipline without filters, as of fq_codel or htb, is listed with none.
  const byTc = tc.some(({ place, filters }) => (place === 'root' && objectsOf(filters).length > 0) || stops(filters));
  const stop = stopBelowNft(byTc, xdp);
  return {
    copies: tcCopies(view.devices, state),
    filter: bridged.length > 0 ? 'rules of nft may stop it' : stop,
    routeFilter: parts.length > 0 ? 'rules of nft may stop it' : stop,
    program: diversionOf(
      diverting,
      xdp,
      moved.some(({ to, out }) => !out || !view.devices.has(to)),
    ),
    querier: objectsOf(state.mdb).some((part) => objectsOf(fieldsOf(part['router'])?.[view.name]).length > 0),
    forwards: {
      ipv4: state.sysctl['net.ipv4.ip_forward'] !== '0',
      ipv6: state.sysctl['net.ipv6.conf.all.forwarding'] !== '0',
    },
    unread: unread === undefined ? null : `${unread.what} could not be read`,
  };
}
