import { routerPorts } from './host.js';
import type { HostState, Snapshot } from '../model/state.js';
import { objectsOf, objectsWithin } from '../text/json-text.js';
import { type BridgeView, isHandedOver } from './view.js';
import { actingParts, nftRules, type TcFilter, tcFilters } from './rules.js';

/** Effects beside the bridge's settings. */
export interface Diversions {
  /** tc copies on `ingress` or `egress`, sent out of another device. */
  readonly copies: readonly { readonly from: string; readonly to: string; readonly place: string }[];
  /** It may stop frames between ports. */
  readonly filter: string | null;
  /** It may stop routed frames. */
  readonly routeFilter: string | null;
  /** It may divert frames. */
  readonly program: string | null;
  /** A port acts as multicast router. */
  readonly querier: boolean;
  readonly forwards: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly unread: string | null;
}

function filtersAt(devices: ReadonlySet<string>, state: Pick<HostState, 'tc'>): readonly TcFilter[] {
  return tcFilters(state).filter(({ device }) => devices.has(device));
}

/** After a copy the frame goes on (tc-mirred(8)). */
function stops({ fields }: TcFilter): boolean {
  return [...objectsWithin(fields)]
    .flatMap((inner) => objectsOf(inner['actions']))
    .some((action) => action['kind'] !== 'mirred' || action['mirred_action'] !== 'mirror');
}

/** tc's copies to other devices. */
export function tcCopies(devices: ReadonlySet<string>, state: Pick<HostState, 'tc'>): Diversions['copies'] {
  return filtersAt(devices, state).flatMap(({ device: from, place, moves }) =>
    moves.flatMap(({ to, isOut }) => (isOut ? [{ from, to: to ?? '', place }] : [])),
  );
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

/** A snapshot's effects on one bridge's frames. */
export function diversionsOf(view: BridgeView, { state }: Snapshot): Diversions {
  const unread = state.unread.find(({ what }) => ['tc', 'nft', 'fdb'].includes(what));
  const tc = filtersAt(view.devices, state);
  const parts = actingParts(state);
  const netfilter = (['iptables', 'ip6tables', 'arptables'] as const).some((table) =>
    isHandedOver(table, view.settings, state.sysctl),
  );
  const bridged = parts.filter(
    ({ family, devices }) =>
      family === 'bridge' ||
      (family === 'netdev' ? devices.length === 0 || devices.some((device) => view.devices.has(device)) : netfilter),
  );
  const diverting = nftRules(state).rules.some(({ statements }) =>
    statements.some(([name]) => name === 'dup' || name === 'fwd'),
  );
  const xdp = [view.link, ...view.ports.map(({ link }) => link)].some((link) => link.xdp !== undefined);
  const byTc = tc.some((filter) => filter.place === 'root' || stops(filter));
  const stop = stopBelowNft(byTc, xdp);
  return {
    copies: tcCopies(view.devices, state),
    filter: bridged.length > 0 ? 'rules of nft may stop it' : stop,
    routeFilter: parts.length > 0 ? 'rules of nft may stop it' : stop,
    program: diversionOf(
      diverting,
      xdp,
      tc.some(({ moves }) => moves.some(({ to, isOut }) => !isOut || !view.devices.has(to ?? ''))),
    ),
    querier: routerPorts(state, view.name).length > 0,
    forwards: {
      ipv4: state.sysctl['net.ipv4.ip_forward'] !== '0',
      ipv6: state.sysctl['net.ipv6.conf.all.forwarding'] !== '0',
    },
    unread: unread === undefined ? null : `${unread.what} could not be read`,
  };
}
