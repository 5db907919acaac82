import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOff } from '../../core/judge/explain/causes/leak.js';

/** Tags are in use, and the bridge takes no notice of them. */
export const vlanUnfiltered: CauseFinder = ({ finding, bridge }) => {
  if (finding.class !== 'vlan-hop' && finding.vlan.length === 0) return null;
  if (!isOff(bridge.bridge?.['vlan_filtering'])) return null;
  return {
    place: `${bridge.name}.vlan_filtering`,
    value: '0',
    text: `${bridge.name} does not filter VLANs: tags mean nothing to it`,
    fix: `ip link set dev ${word(bridge.name)} type bridge vlan_filtering 1`,
  };
};
