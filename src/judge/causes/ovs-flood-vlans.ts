import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';
import { numbersIn, ovsLeak } from '../../core/judge/explain/causes/ovs.js';

/** The bridge learns nothing in the frame's VLAN (column flood_vlans, ovs-vswitchd.conf.db(5)). */
export const ovsFloodVlans: CauseFinder = (leak) => {
  const found = ovsLeak(leak);
  if (found === null || !isUnicast(leak)) return null;
  const [tag = 0] = leak.finding.vlan.length > 0 ? leak.finding.vlan : numbersIn(found.from?.columns['tag']);
  if (!numbersIn(found.bridge.columns['flood_vlans']).includes(tag)) return null;
  return {
    place: `${found.bridge.name}.flood_vlans`,
    value: String(tag),
    text: `${found.bridge.name} learns nothing in VLAN ${tag}, so it floods all unicast there like a hub`,
    fix: `ovs-vsctl remove Bridge ${word(found.bridge.name)} flood_vlans ${tag}`,
  };
};
