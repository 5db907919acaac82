import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from './leak.js';

/** The destination was learned on another port than its owner's, or its frames arrived at whoever claimed it. */
export const macMoved: CauseFinder = (leak) => {
  const { dstMac, entries, to, port, finding } = leak;
  if (!isUnicast(leak) || to === null || to.port === null || dstMac === null || !to.macs.includes(dstMac)) return null;
  const stray = entries.find((entry) => entry.port !== to.port);
  const theft = ['mac-steal', 'gateway-steal'].includes(finding.class);
  if (stray === undefined && !theft) return null;
  const where = stray?.port ?? port?.name ?? '';
  return {
    place: `fdb ${dstMac}`, value: where, text: `the MAC of ${to.name} moved to ${where}: its entry is not sticky, so whoever sends with it gets its frames`,
    fix: `bridge fdb replace ${dstMac} dev ${word(to.port)} master static sticky`,
  };
};
