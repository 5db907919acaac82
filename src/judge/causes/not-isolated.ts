import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOff } from '../../core/judge/explain/causes/leak.js';
import { hostOf } from '../../core/model/host-names.js';

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
  const open = [fromPort, port].filter((one) => isOff(one.port?.['isolated']));
  if (open.length === 0) return null;
  return {
    place: open.map((one) => `${one.name}.isolated`).join(', '),
    value: 'off',
    text: `${open.map((one) => one.name).join(' and ')} ${open.length === 1 ? 'is' : 'are'} not isolated, so guests reach one another`,
    fix: open.map((one) => `bridge link set dev ${word(one.name)} isolated on`).join(' && '),
  };
};
