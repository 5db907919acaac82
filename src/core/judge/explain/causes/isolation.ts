import { reversePathOf } from '../../../bridge/beside.js';
import { execute, setEntry, setPort, setSysctl } from '../../../bridge/changes.js';
import type { Change } from '../../../model/fabric.js';
import { hostOf } from '../../../model/host-names.js';
import { isRouted, isSwitchedOff, routedSender } from '../../rows/row-context.js';
import { type CauseFinder, verb, type Weakness } from './weakness.js';

/**
 * Adds a chain of its own to a table of its own, with a rule: what one base chain drops, no other accepts again
 * (nft(8)).
 */
function ownChain(name: string, hook: string, ...rule: readonly string[]): readonly Change[] {
  const chain = `{ type filter hook ${hook} ; }`;
  return [
    execute('nft', 'add', 'table', 'inet', 'isolation'),
    execute('nft', 'add', 'chain', 'inet', 'isolation', name, chain),
    execute('nft', 'add', 'rule', 'inet', 'isolation', name, ...rule),
  ];
}

/** The host routes between guests that a bridge keeps apart, or that are on no bridge. */
const findHostForwards: CauseFinder = (leak) => {
  const { finding, before, to, observer } = leak;
  if (!isRouted(leak)) return null;
  const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
  if (before.sysctl[name] !== '1') return null;
  const from = routedSender(leak);
  if (from !== null) {
    if (finding.class === 'ip-spoof') return null; // from its own address the guest may reach the other
    const [inward, outward] = [from.port ?? '', observer?.interface ?? ''];
    return observer?.name !== to?.name
      ? null
      : {
          place: name,
          value: '1',
          text: `the host forwards what comes in on ${inward} to ${outward}, and no rule drops it`,
          fix: {
            changes: ownChain('forward', 'forward priority 0', 'iifname', inward, 'oifname', outward, 'drop'),
          },
        };
  }
  return {
    place: name,
    value: '1',
    text: 'the host forwards: packets for its own MAC come back out to the guest that they are for',
    fix: { changes: [setSysctl(name, '0')] },
  };
};

export const hostForwards: Weakness = {
  meaning: 'The host routes between guests that the bridge keeps apart, or that are on no bridge.',
  phrase: ({ place }) => `the host routes between guests (${place} is 1)`,
  cost: ({ changes = [] }) => ({
    price: 'apart',
    text: changes.some(({ kind }) => kind === 'run')
      ? 'the one guest no longer reaches the other through the host'
      : 'the host routes for nobody any more, guests to the network among them',
  }),
  find: findHostForwards,
};

/** Nothing asks whether the source address belongs behind the port on which a packet comes. */
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
    fix: { changes: [setSysctl(name, '1')] },
  };
};

export const rpFilterOff: Weakness = {
  meaning: 'The host takes packets from any source address at the port of a guest that is on no bridge.',
  phrase: ({ place, value }) => `the host takes packets from any address (${place}: ${value})`,
  cost: { price: 'share', text: 'packets of the guest from addresses that the host does not route to it are dropped' },
  find: findRpFilterOff,
};

/**
 * Sender and observer are guests, and `isolated`, which takes effect only where both ports have it, is off on one of
 * them.
 */
const findNotIsolated: CauseFinder = ({ finding, from, fromPort, port, observer }) => {
  if (
    from?.role !== 'guest' ||
    observer?.role !== 'guest' ||
    fromPort === null ||
    port === null ||
    hostOf(fromPort.name) !== hostOf(port.name) ||
    finding.class === 'routed-bounce'
  )
    return null;
  const open = [fromPort, port].filter((one) => isSwitchedOff(one.port?.['isolated']));
  if (open.length === 0) return null;
  return {
    place: open.map((one) => `${one.name}.isolated`).join(', '),
    value: 'off',
    text: `${open.map((one) => one.name).join(' and ')} ${open.length === 1 ? 'is' : 'are'} not isolated, so guests reach one another`,
    fix: { changes: open.map((one) => setPort(one.name, 'isolated', true)) },
  };
};

export const notIsolated: Weakness = {
  meaning: 'Both ends are guests, and isolated, which takes both ports, is off on one of them.',
  phrase: (parts) => `${parts.devices} ${verb(parts, 'is', 'are')} not isolated (isolated off)`,
  cost: { price: 'apart', text: 'the guests do not reach each other at all, broadcasts and ARP included' },
  find: findNotIsolated,
};

/** The sender's port takes any source MAC. */
const findSourceUnchecked: CauseFinder = ({ finding, fromPort, from }) => {
  const [mac] = from?.macs ?? [];
  if (
    finding.class !== 'mac-spoof' ||
    fromPort === null ||
    mac === undefined ||
    !isSwitchedOff(fromPort.port?.['locked'])
  )
    return null;
  return {
    place: `${fromPort.name}.locked`,
    value: 'off',
    text: `${fromPort.name} takes frames with any source MAC`,
    fix: {
      changes: [
        setEntry(mac, fromPort.name),
        setPort(fromPort.name, 'learning', false),
        setPort(fromPort.name, 'locked', true),
      ],
    },
  };
};

export const sourceUnchecked: Weakness = {
  meaning: 'The sender’s port takes frames with any source MAC.',
  phrase: (parts) => `${parts.devices} ${verb(parts, 'takes', 'take')} frames with any source MAC`,
  cost: { price: 'share', text: 'the guest can use no other MAC: no nested guests, no addresses that fail over' },
  find: findSourceUnchecked,
};
