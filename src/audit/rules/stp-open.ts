import type { BridgeRule } from '../../core/audit/rule.js';
import { isOn, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/** Without spanning tree BPDUs are data; with it a guest's port has to refuse them. */
export const stpOpen: BridgeRule = ({ name, settings, guests }) => {
  if (guests.length === 0) return [];
  const stp = settings['stp_state'];
  if (stp === 0) {
    return guests.length < 2
      ? []
      : [
          {
            severity: 'low',
            place: `${name}.stp_state`,
            value: '0',
            readFrom: readFrom.link,
            text: 'BPDUs that a guest sends reach the other guests',
            probe: 'stp-root',
            fix: "drop BPDUs of guests with a rule of nft, or switch STP on with guard on the guests' ports",
          },
        ];
  }
  if (stp === undefined) return [];
  return guests
    .filter((port) => isOn(port.settings, 'guard') === false && isOn(port.settings, 'root_block') === false)
    .map((port) => ({
      severity: 'medium',
      place: `${port.name}.guard`,
      value: 'off',
      readFrom: readFrom.link,
      text: 'one BPDU makes this guest the root of the spanning tree',
      probe: 'stp-root',
      fix: `bridge link set dev ${word(port.name)} guard on`,
    }));
};
