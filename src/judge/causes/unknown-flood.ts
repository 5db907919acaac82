import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOn, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The table has no entry for the destination, and the observer's port takes unknown unicast. */
export const unknownFlood: CauseFinder = (leak) => {
  const { port, entries, dstMac, bridge, finding } = leak;
  if (
    !isUnicast(leak) ||
    finding.class === 'routed-bounce' ||
    bridge.kind === 'openvswitch' ||
    port === null ||
    dstMac === bridge.mac ||
    !isOn(port.port?.['flood']) ||
    entries.length > 0
  )
    return null;
  return {
    place: `${port.name}.flood`,
    value: 'on',
    text: `${bridge.name} has no entry for ${dstMac ?? ''}, and ${port.name} takes unknown unicast`,
    fix: `bridge link set dev ${word(port.name)} flood off`,
  };
};
