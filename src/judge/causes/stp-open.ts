import { type CauseFinder, isOff, isOn } from './leak.js';

/** Nothing keeps a guest's BPDUs from the bridge (STP on) or from the other guests (STP off). */
export const stpOpen: CauseFinder = ({ finding, bridge, fromPort }) => {
  if (finding.class !== 'stp-root' || fromPort === null || !isOff(fromPort.port?.['guard'])) return null;
  const on = isOn(bridge.bridge?.['stp_state']);
  return {
    place: on ? `${fromPort.name}.guard` : `${bridge.name}.stp_state`, value: 'off',
    text: on ? `${fromPort.name} has no BPDU guard, so ${bridge.name} believes a guest's BPDU` : `${bridge.name} speaks no STP and hands BPDUs on like any other frame`,
    fix: `bridge link set dev ${fromPort.name} ${on ? 'root_block on' : 'isolated on'}`,
  };
};
