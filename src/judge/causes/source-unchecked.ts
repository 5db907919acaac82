import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOff } from '../../core/judge/explain/causes/leak.js';

/** The sender's port takes any source MAC. */
export const sourceUnchecked: CauseFinder = ({ finding, fromPort, from }) => {
  const [mac] = from?.macs ?? [];
  if (finding.class !== 'mac-spoof' || fromPort === null || mac === undefined || !isOff(fromPort.port?.['locked']))
    return null;
  return {
    place: `${fromPort.name}.locked`,
    value: 'off',
    text: `${fromPort.name} takes frames with any source MAC`,
    fix: `bridge fdb replace ${mac} dev ${word(fromPort.name)} master static && bridge link set dev ${word(fromPort.name)} learning off locked on`,
  };
};
