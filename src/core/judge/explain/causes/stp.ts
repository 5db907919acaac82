import { word } from '../../../text/shell.js';
import { isSwitchedOff, isSwitchedOn } from '../../rows/row-context.js';
import type { CauseFinder } from './leak.js';

/** BPDUs go to 01:80:c2:00:00:00 (IEEE 802.1D). */
function dropBpdus(port: string): string {
  return [
    'nft add table bridge guard',
    `nft 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'`,
    `nft add rule bridge guard ingress iifname ${word(port)} ether daddr 01:80:c2:00:00:00 drop`,
  ].join(' && ');
}

/** Nothing keeps a guest's BPDUs from the bridge (STP on) or from the other guests (STP off). */
export const stpOpen: CauseFinder = ({ finding, bridge, fromPort }) => {
  if (finding.class !== 'stp-root' || fromPort === null || !isSwitchedOff(fromPort.port?.['guard'])) return null;
  const on = isSwitchedOn(bridge.bridge?.['stp_state']);
  return {
    place: on ? `${fromPort.name}.guard` : `${bridge.name}.stp_state`,
    value: 'off',
    text: on
      ? `${fromPort.name} has no BPDU guard, so ${bridge.name} believes a guest's BPDU`
      : `${bridge.name} speaks no STP and hands BPDUs on like any other frame`,
    fix: on ? `bridge link set dev ${word(fromPort.name)} root_block on` : dropBpdus(fromPort.name),
  };
};
