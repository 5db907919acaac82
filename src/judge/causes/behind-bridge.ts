import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';

/**
 * The addressee is behind the bridge device itself, whose frames are never learned (br_dev_xmit), and somebody holds
 * the device promiscuous.
 */
export const behindBridge: CauseFinder = (leak) => {
  const { bridge, dstMac, entries, to } = leak;
  if (!isUnicast(leak) || entries.length > 0 || dstMac === bridge.mac || (to !== null && to.attach === 'port'))
    return null;
  const promiscuous = ((bridge.sysFlags ?? 0) & 0x100) !== 0 || (bridge.promiscuity ?? 0) > 0;
  if (!promiscuous || (to === null && leak.flow !== null)) return null;
  return {
    place: `${bridge.name}.promiscuity`,
    value: String(bridge.promiscuity ?? 1),
    text: `${to?.name ?? dstMac ?? ''} is behind ${bridge.name} itself, which learns nothing of it, whatever the ageing time: every frame to it floods`,
    fix: `bridge fdb add ${dstMac ?? ''} dev ${word(bridge.name)} self permanent`,
  };
};
