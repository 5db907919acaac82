import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** The table is at its limit (Linux 6.7), so that what is not in it cannot be learned and floods. */
export const fdbFull: CauseFinder = (leak) => {
  const { bridge, after, dstMac, to } = leak;
  const now = after.links.find((link) => link.name === bridge.name)?.bridge;
  const [limit, learned] = [Number(now?.['fdb_max_learned'] ?? 0), Number(now?.['fdb_n_learned'] ?? 0)];
  if (!isUnicast(leak) || limit === 0 || learned < limit) return null;
  return {
    place: `${bridge.name}.fdb_n_learned`,
    value: `${learned} of ${limit}`,
    text: `the table of ${bridge.name} is full: a MAC that does not fit is flooded`,
    fix:
      to === null || to.port === null
        ? `ip link set dev ${word(bridge.name)} type bridge fdb_max_learned 0`
        : `bridge fdb replace ${dstMac ?? ''} dev ${word(to.port)} master static`,
  };
};
