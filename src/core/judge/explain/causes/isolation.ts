import { setPort, setSysctl, setEntry } from '../../../bridge/changes.js';
import { hostOf } from '../../../model/host-names.js';
import { isSwitchedOff } from '../../rows/row-context.js';
import type { CauseFinder } from './leak.js';

/** The host routes between guests that the bridge keeps apart. */
export const hostForwards: CauseFinder = ({ finding, before }) => {
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

/**
 * Sender and observer are guests, and `isolated`, which takes effect only where both ports have it, is off on one of
 * them.
 */
export const notIsolated: CauseFinder = ({ finding, from, fromPort, port, observer }) => {
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

/** The sender's port takes any source MAC. */
export const sourceUnchecked: CauseFinder = ({ finding, fromPort, from }) => {
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
