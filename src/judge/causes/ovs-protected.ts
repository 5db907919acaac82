import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';
import { ovsLeak } from '../../core/judge/explain/causes/ovs.js';

/**
 * Sender and addressee are protected from each other and the switch does not know the addressee: it floods the frame to
 * the ports that are not (column protected).
 */
export const ovsProtected: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak) || leak.entries.length > 0) return null;
  const { from, to, port, bridge } = found;
  if (
    from?.columns['protected'] !== true ||
    to?.columns['protected'] !== true ||
    port === null ||
    port.columns['protected'] === true
  )
    return null;
  return {
    place: `${port.name}.protected`,
    value: 'false',
    text: `${from.name} and ${to.name} are protected from each other; ${bridge.name} floods what one sends to the other to ports that are not, such as ${port.name}`,
    fix: `ovs-vsctl set Port ${word(port.name)} protected=true`,
  };
};
