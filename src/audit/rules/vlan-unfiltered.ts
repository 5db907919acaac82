import type { BridgeRule } from '../../core/audit/rule.js';
import { isOn, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/** Without filtering tags are payload; with it a port that joins gets the default VLAN. */
export const vlanUnfiltered: BridgeRule = ({ name, settings, guests }) => {
  if (guests.length < 2) return [];
  const filtering = isOn(settings, 'vlan_filtering');
  if (filtering === false) {
    return [
      {
        severity: 'low',
        place: `${name}.vlan_filtering`,
        value: '0',
        readFrom: readFrom.link,
        text: 'tags are ignored: tagged and double-tagged frames pass between all ports',
        probe: 'vlan-hop',
        fix: `where VLANs are to separate guests: ip link set dev ${word(name)} type bridge vlan_filtering 1, and VLANs for each port`,
      },
    ];
  }
  const pvid = settings['vlan_default_pvid'];
  return filtering === null || pvid === 0 || pvid === undefined
    ? []
    : [
        {
          severity: 'low',
          place: `${name}.vlan_default_pvid`,
          value: String(pvid),
          readFrom: readFrom.link,
          text: `every port that joins the bridge is in VLAN ${String(pvid)} at once`,
          probe: 'vlan-hop',
          fix: `ip link set dev ${word(name)} type bridge vlan_default_pvid 0`,
        },
      ];
};
