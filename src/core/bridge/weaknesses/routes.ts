import { linkNamed } from '../host.js';
import type { Change } from '../../model/fabric.js';
import type { Routing } from '../../model/routing-state.js';
import type { HostState } from '../../model/state.js';
import { areChainsRead, effective, forwardChains, reversePathOf, reversePathSysctls, routedGuests } from '../beside.js';
import { execute, setSysctl } from '../changes.js';
import { isRoutedTo } from '../../model/attach.js';
import { bareName } from '../../model/host-names.js';
import type { Endpoint } from '../../model/scenario.js';
import { isRouted, routedSender } from '../row-context.js';
import { diversions, type RoutingEntry, usualWaysTo, type Way, waysTo } from '../routing.js';
import { stateAround } from '../states-by-host.js';
import { isIpHandedOver, isSettingOn } from '../view.js';
import type { Audited, BridgeRule, CauseFinder, Explained, HostRule, LeakContext } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'host-forwards': 'cause' | 'finding';
    readonly 'routed-open': 'finding';
    readonly 'rp-filter-off': 'cause';
    readonly 'routed-spoofable': 'finding';
    readonly 'routed-local': 'finding';
    readonly 'policy-route': 'cause' | 'finding';
  }
}

/** No other chain accepts again what one base chain drops (nft(8)). */
function ownChain(name: string, hook: string, ...rule: readonly string[]): readonly Change[] {
  const chain = `{ type filter hook ${hook} ; }`;
  return [
    execute('nft', 'add', 'table', 'inet', 'isolation'),
    execute('nft', 'add', 'chain', 'inet', 'isolation', name, chain),
    execute('nft', 'add', 'rule', 'inet', 'isolation', name, ...rule),
  ];
}

function keepApart(inward: string, outward: string, more: readonly string[] = []): readonly Change[] {
  return ownChain('forward', 'forward priority 0', 'iifname', inward, 'oifname', outward, ...more, 'drop');
}

/** If br_netfilter shares the hook, routed packets are those to the bridge's MAC. */
function keepBridgesApart(inward: string, outward: string, state: HostState): readonly Change[] {
  const mac = linkNamed(state, inward)?.mac;
  return keepApart(inward, outward, isIpHandedOver(state.sysctl) && mac !== undefined ? ['ether', 'daddr', mac] : []);
}

/** By other MACs with a smaller hop limit, or by NAT's addresses. */
function wereRouted({ finding: { forms = {} } }: LeakContext): boolean {
  return (forms.routed ?? 0) + (forms.rewritten ?? 0) > 0;
}

function hostsDevice({ attach, port, bridge }: Endpoint): string {
  return isRoutedTo(attach) ? (port ?? '') : bareName(bridge);
}

/** The devices by which the host routes a leak in and out. null = packets leave by the bridge they came on. */
export function devicesBetween({ finding, from, to, observer }: LeakContext): readonly [string, string] | null {
  if (from === null) return null;
  if (finding.class !== 'routed-bounce')
    return isRoutedTo(from.attach) ? [hostsDevice(from), observer?.interface ?? ''] : null;
  const [inward, outward] = [hostsDevice(from), to === null ? '' : hostsDevice(to)];
  return to === null || inward === outward ? null : [inward, outward];
}

const findHostForwards: CauseFinder = (leak) => {
  const { finding, before, bridge, to, observer } = leak;
  if (!isRouted(leak)) return null;
  const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
  if (before.sysctl[name] !== '1') return null;
  const between = devicesBetween(leak);
  if (between !== null) {
    if (finding.class === 'ip-spoof') return null; // from its own address the guest may reach the other
    const [inward, outward] = between;
    return observer?.name !== to?.name
      ? null
      : {
          place: name,
          value: '1',
          text: `the host forwards what comes in on ${inward} to ${outward}, and no rule drops it`,
          fix: { changes: keepApart(inward, outward) },
        };
  }
  return wereRouted(leak)
    ? {
        place: name,
        value: '1',
        text: 'the host forwards: packets for its own MAC come back out to the guest that they are for',
        fix: { changes: keepBridgesApart(leak.from?.bridge ?? bridge.name, bridge.name, before) },
      }
    : null;
};

const hostForwardsRule: BridgeRule = ({ name: bridge, guests }, { state }) => {
  if (guests.length < 2) return [];
  const isolated = guests.filter((port) => isSettingOn(port.settings, 'isolated') === true).length >= 2;
  return ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']
    .filter((name) => !['0', undefined].includes(state.sysctl[name]))
    .map((name) => ({
      severity: isolated ? 'medium' : 'low',
      place: name,
      value: state.sysctl[name] ?? '',
      readFrom: 'sysctl',
      text: isolated
        ? 'isolated guests meet at the gateway: the host forwards between them'
        : 'guests reach each other through the host as well, past rules that act on the bridge',
      probe: 'routed-bounce',
      fix: { changes: keepBridgesApart(bridge, bridge, state) },
    }));
};

export const hostForwards: Explained & Audited = {
  meaning: 'The host routes between guests that the bridge keeps apart, or that are on no bridge.',
  cause: {
    phrase: ({ place }) => `the host routes between guests (${place} is 1)`,
    cost: ({ changes = [] }) =>
      changes.some(({ kind }) => kind === 'run')
        ? { price: 'apart', text: 'the one guest no longer reaches the other through the host' }
        : { price: 'cutOff', text: 'the host no longer routes: guests behind it lose the network' },
    find: findHostForwards,
  },
  finding: { onBridge: hostForwardsRule },
};

const routedOpenRule: HostRule = ({ state, beside }) => {
  if (beside === undefined || state.sysctl['net.ipv4.ip_forward'] !== '1') return [];
  const guests = routedGuests(state, beside);
  if (guests.length < 2 || !areChainsRead(state) || forwardChains(state).forward.length > 0) return [];
  const devices = `{ ${guests.map(({ device }) => device).join(', ')} }`;
  return [
    {
      severity: 'low',
      place: 'net.ipv4.ip_forward',
      value: '1',
      readFrom: 'sysctl, nft list ruleset',
      text: `${guests.length} guests without a bridge reach each other through the host: no chain of nft at the hook forward decides`,
      probe: null,
      fix: { changes: keepApart(devices, devices) },
    },
  ];
};

export const routedOpen: Audited = {
  meaning:
    'The host forwards between guests on taps and veths without a bridge, and no nft chain at hook forward decides.',
  finding: { onHost: routedOpenRule },
};

function checkSources(sysctl: string): readonly Change[] {
  return [setSysctl(sysctl, '1')];
}

const findRpFilterOff: CauseFinder = (leak) => {
  const { finding, before } = leak;
  const from = routedSender(leak);
  if (finding.class !== 'ip-spoof' || from === null) return null;
  const port = from.port ?? '';
  if (finding.carrier.startsWith('ipv6')) {
    const asks = ['iifname', port, 'fib', 'saddr', '.', 'iif', 'oif', 'missing', 'drop'];
    return {
      place: `${port}, IPv6`,
      value: 'no rule',
      text: `the host takes packets from any address at ${port}: IPv6 has no rp_filter, and no rule asks whether the way back leads there`,
      fix: {
        changes: ownChain('source', 'prerouting priority -300', ...asks),
      },
    };
  }
  const [name, value] = reversePathOf(port, before.sysctl);
  if (value === null || value === 1) return null;
  return {
    place: name,
    value: String(value),
    text: `the host takes packets from any address at ${port}: only 1 asks whether the way back leads there`,
    fix: { changes: checkSources(name) },
  };
};

export const rpFilterOff: Explained = {
  meaning: 'The host takes packets from any source address at the port of a guest that is on no bridge.',
  cause: {
    phrase: ({ place, value }) => `the host takes packets from any address (${place}: ${value})`,
    cost: {
      price: 'share',
      text: 'packets of the guest from addresses that the host does not route to it are dropped',
    },
    find: findRpFilterOff,
  },
};

/** RFC 3704, strict reverse path forwarding. */
const routedSpoofableRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : routedGuests(state, beside)
        .filter(({ device }) => effective(beside, device, 'rp_filter') !== 1)
        .map(({ device }) => ({
          severity: 'medium',
          place: `net.ipv4.conf.${device}.rp_filter`,
          value: String(effective(beside, device, 'rp_filter')),
          readFrom: 'sysctl',
          text: 'the guest behind it may send from addresses of other guests: only 1 asks whether the way back leads to it',
          probe: null,
          // the larger value counts: a loose `all` has to go first
          fix: {
            changes: checkSources(reversePathSysctls(device)[effective(beside, 'all', 'rp_filter') === 2 ? 1 : 0]),
          },
        }));

export const routedSpoofable: Audited = {
  meaning:
    'A guest on a tap or veth without a bridge may send from foreign addresses: reverse path filtering is off or loose.',
  finding: { onHost: routedSpoofableRule },
};

const local = [
  ['accept_local', 'the guest behind it may send from addresses of the host itself'],
  ['route_localnet', 'the guest behind it reaches services that listen on 127.0.0.0/8 of the host'],
] as const;

const routedLocalRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : routedGuests(state, beside).flatMap(({ device }) =>
        local
          .filter(([key]) => effective(beside, device, key) > 0)
          .map(([key, text]) => ({
            severity: 'medium' as const,
            place: `net.ipv4.conf.${device}.${key}`,
            value: String(effective(beside, device, key)),
            readFrom: 'sysctl',
            text,
            probe: null,
            fix: { changes: [setSysctl(`net.ipv4.conf.${device.replaceAll('.', '/')}.${key}`, '0')] },
          })),
      );

export const routedLocal: Audited = {
  meaning:
    'A guest without a bridge may send from addresses of the host (accept_local), or reach its 127.0.0.0/8 (route_localnet).',
  finding: { onHost: routedLocalRule },
};

function deletion({ removal }: RoutingEntry): readonly Change[] {
  return [execute(...removal)];
}

function leadingWay({ flow, to, observer }: LeakContext, port: string, routing: Routing): Way | undefined {
  const { srcIp = null, dstIp = null } = flow?.frame ?? {};
  if (observer === null || srcIp === null || dstIp === null) return undefined;
  const isLed = ({ devices }: Way): boolean => devices.includes(bareName(observer.interface));
  const isUsualWay = observer.name === to?.name && usualWaysTo(dstIp, routing).some(isLed);
  return isUsualWay ? undefined : waysTo({ to: dstIp, from: srcIp, by: port }, routing).find(isLed);
}

function wayBack({ finding, flow }: LeakContext, port: string, routing: Routing): Way | undefined {
  const srcIp = flow?.frame.srcIp ?? null;
  return finding.class !== 'ip-spoof' || srcIp === null
    ? undefined
    : waysTo({ to: srcIp }, routing).find(({ devices, isUsual }) => devices.includes(port) && !isUsual);
}

const findPolicyRoute: CauseFinder = (leak) => {
  const { before, bridge, flow, observer } = leak;
  const from = routedSender(leak);
  const { routing } = stateAround(bridge.name, before).state;
  if (routing === undefined || !isRouted(leak) || from === null) return null;
  const port = bareName(from.port ?? '');
  const leads = leadingWay(leak, port, routing);
  const way = leads ?? wayBack(leak, port, routing);
  if (way === undefined) return null;
  const { by, route } = way;
  return {
    place: by.what,
    value: by.text,
    text:
      leads === undefined
        ? `the host takes packets from ${flow?.frame.srcIp ?? ''} at ${port}: by ${by.what} the way back leads there (${route})`
        : `the host sends packets for ${flow?.frame.dstIp ?? ''} by ${observer?.interface ?? ''}: ${by.what} leads there (${route})`,
    fix: { changes: deletion(by) },
  };
};

function isFirstRoute({ isUsual, isConditional, encapsulation }: Way): boolean {
  return isUsual && !isConditional && encapsulation === null;
}

const policyRouteRule: HostRule = ({ state, beside }) =>
  beside === undefined
    ? []
    : diversions(
        state,
        routedGuests(state, beside).map(({ device, destinations }) => ({ device, addresses: destinations })),
      )
        .filter((diversion) => !isFirstRoute(diversion))
        .map(({ by, route, address, device, elsewhere, encapsulation }) => ({
          severity: 'medium',
          place: by.what,
          value: by.text,
          readFrom: 'ip rule, ip route show table all',
          text:
            encapsulation === null
              ? `packets for ${address} (${device}) that it takes go to ${elsewhere.join(', ')}: ${route}`
              : `packets for ${address} (${device}) that it takes are handed to an encapsulation (${encapsulation}): ${route}`,
          probe: null,
          fix: { changes: deletion(by) },
        }));

export const policyRoute: Explained & Audited = {
  meaning: 'A policy rule (ip rule) or a route leads packets for a guest on no bridge to another device.',
  cause: {
    phrase: ({ place }) => `the host routes by ${place} to another guest`,
    cost: { price: 'upkeep', text: 'its traffic (a VPN, a second uplink) no longer takes that way' },
    find: findPolicyRoute,
  },
  finding: { onHost: policyRouteRule },
};
