import { setPort, setSysctl, setEntry } from '../../../bridge/changes.js';
import { hostOf } from '../../../model/host-names.js';
import { isSwitchedOff } from '../../rows/row-context.js';
import { type CauseFinder, verb, type Weakness } from './weakness.js';

/** The host routes between guests that the bridge keeps apart. */
const findHostForwards: CauseFinder = ({ finding, before }) => {
  if (finding.class !== 'routed-bounce') return null;
  const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
  if (before.sysctl[name] !== '1') return null;
  return {
    place: name,
    value: '1',
    text: 'the host forwards: packets for its own MAC come back out to the guest that they are for',
    fix: { changes: [setSysctl(name, '0')] },
  };
};

export const hostForwards: Weakness = {
  meaning: 'The host routes between guests that the bridge keeps apart.',
  phrase: ({ place }) => `the host routes between guests (${place} is 1)`,
  cost: { price: 'apart', text: 'the host routes for nobody any more, guests to the network among them' },
  find: findHostForwards,
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
