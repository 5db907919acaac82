import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The addressee was silent for longer than the ageing time, so that its entry is gone. */
export const agedOut: CauseFinder = (leak) => {
  const { bridge, to, entries, dstMac, finding } = leak;
  const ageing = Number(bridge.bridge?.['ageing_time'] ?? 0);
  if (
    finding.class !== 'aged-unicast' ||
    !isUnicast(leak) ||
    ageing === 0 ||
    to === null ||
    to.port === null ||
    entries.length > 0
  )
    return null;
  return {
    place: `${bridge.name}.ageing_time`,
    value: `${ageing / 100} s`,
    text: `${to.name} was silent for longer than ${ageing / 100} s, so ${bridge.name} forgot where it is`,
    fix: `bridge fdb replace ${dstMac ?? ''} dev ${word(to.port)} master static`,
  };
};
