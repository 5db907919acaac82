import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The bridge forgets at once what it learns, so that all unicast without a static entry floods (CVE-2019-15753). */
export const ageingZero: CauseFinder = (leak) => {
  const { bridge, entries } = leak;
  if (!isUnicast(leak) || bridge.bridge?.['ageing_time'] !== 0 || entries.some((entry) => entry.state !== 'dynamic'))
    return null;
  return {
    place: `${bridge.name}.ageing_time`,
    value: '0',
    text: `${bridge.name} learns nothing with an ageing time of 0, so it floods all unicast like a hub`,
    fix: `ip link set dev ${word(bridge.name)} type bridge ageing_time 30000`,
  };
};
