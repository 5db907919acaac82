import { word } from '../../audit/shell-word.js';
import { withoutOpenFlow10 } from '../../model/ovs-openflow.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';
import { ovsLeak } from '../../core/judge/explain/causes/ovs.js';
import { ovsFloodFlow } from './ovs-flood-flow.js';
import { ovsFloodVlans } from './ovs-flood-vlans.js';

/**
 * Open vSwitch has no entry for the destination, and the observer's port takes what is flooded. Where it floods on
 * purpose, an entry would not help.
 */
export const ovsUnknownFlood: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (
    found === null ||
    !isUnicast(leak) ||
    found.port === null ||
    leak.entries.length > 0 ||
    found.port.config.includes('NO_FLOOD') ||
    ovsFloodVlans(leak) !== null ||
    ovsFloodFlow(leak) !== null
  )
    return null;
  const speaking =
    withoutOpenFlow10(found.bridge.columns['protocols']).length === 0
      ? ''
      : `ovs-vsctl add Bridge ${word(found.bridge.name)} protocols OpenFlow10 && `;
  return {
    place: `${found.port.name}.no-flood`,
    value: 'off',
    text: `${found.bridge.name} has no entry for ${leak.dstMac ?? ''}, and ${found.port.name} takes what is flooded`,
    fix: `${speaking}ovs-ofctl mod-port ${word(found.bridge.name)} ${word(found.port.name)} no-flood`,
  };
};
