import { word } from '../../../text/shell.js';
import { isUnicast } from '../../rows/row-context.js';
import type { CauseFinder } from './leak.js';
import { ovsLeak } from './ovs.js';

/** A mirror of Open vSwitch copies frames to the observer's port. */
export const ovsMirror: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null) return null;
  const near = [found.from?.name, found.to?.name];
  const mirror = found.ovs.mirrors.find(
    ({ bridge, outputPort, ports }) =>
      bridge === found.bridge.name &&
      outputPort !== null &&
      outputPort === found.port?.name &&
      (ports === null || ports.some((name) => near.includes(name))),
  );
  if (mirror === undefined) return null;
  return {
    place: `mirror ${mirror.name}`,
    value: `${mirror.ports?.join(', ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    text: `the mirror ${mirror.name} of ${mirror.bridge} copies frames of ${mirror.ports?.join(' and ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    fix: `ovs-vsctl -- --id=@m get Mirror ${word(mirror.name)} -- remove Bridge ${word(mirror.bridge)} mirrors @m`,
  };
};

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
