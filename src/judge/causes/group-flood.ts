import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOn, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The observer's port takes broadcasts, or multicast that nobody registered for. */
export const groupFlood: CauseFinder = (leak) => {
  const { port, dstMac } = leak;
  if (port === null || dstMac === null || isUnicast(leak) || leak.finding.class === 'stp-root') return null;
  const key = dstMac === 'ff:ff:ff:ff:ff:ff' ? 'bcast_flood' : 'mcast_flood';
  if (!isOn(port.port?.[key])) return null;
  return {
    place: `${port.name}.${key}`,
    value: 'on',
    text: `${port.name} takes ${key === 'bcast_flood' ? 'broadcasts' : 'multicast that nobody there asked for'}`,
    fix: `bridge link set dev ${word(port.name)} ${key} off`,
  };
};
