import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';
import { hostOf } from '../../core/model/host-names.js';

/** The destination was learned on another port than its owner's, or its frames arrived at whoever claimed it. */
export const macMoved: CauseFinder = (leak) => {
  const { dstMac, entries, to, port, finding, bridge } = leak;
  if (!isUnicast(leak) || to === null || to.port === null || dstMac === null || !to.macs.includes(dstMac)) return null;
  // on another host it is rightly at the tunnel through which its owner is reached
  const here = hostOf(to.port) === hostOf(bridge.name);
  const stray = here ? entries.find((entry) => entry.port !== to.port) : undefined;
  const theft = ['mac-steal', 'gateway-steal'].includes(finding.class);
  if (stray === undefined && !theft) return null;
  const where = stray?.port ?? port?.name ?? '';
  return {
    place: `fdb ${dstMac}`,
    value: where,
    text: `the MAC of ${to.name} moved to ${where}: its entry is not sticky, so whoever sends with it gets its frames`,
    fix: `bridge fdb replace ${dstMac} dev ${word(here ? to.port : (entries[0]?.port ?? to.port))} master static sticky`,
  };
};
