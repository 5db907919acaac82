import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOff, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The addressee's port learns nothing and has no static entry: what is for it floods. */
export const learningOff: CauseFinder = (leak) => {
  const { to, before, entries, dstMac } = leak;
  const own = to === null ? undefined : before.links.find((link) => link.name === to.port);
  if (!isUnicast(leak) || own === undefined || own.port === null || !isOff(own.port['learning']) || entries.length > 0)
    return null;
  return {
    place: `${own.name}.learning`,
    value: 'off',
    text: `${own.name} learns nothing and has no static entry, so frames to ${to?.name ?? ''} flood`,
    fix: `bridge fdb replace ${dstMac ?? ''} dev ${word(own.name)} master static`,
  };
};
