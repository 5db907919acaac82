import { word } from '../../audit/shell-word.js';
import { type CauseFinder, isOn, isUnicast } from '../../core/judge/explain/causes/leak.js';

/**
 * The bridge snoops, but without a querier it does not know who is a member, and floods (br_multicast_querier_exists).
 * Only IP has members: other multicast floods all the same. A new querier is believed after
 * mcast_query_response_interval, 10 s.
 */
export const noQuerier: CauseFinder = (leak) => {
  const { bridge, dstMac, finding } = leak;
  if (
    dstMac === null ||
    isUnicast(leak) ||
    finding.carrier === 'raw' ||
    !['multicast', 'igmp-query'].includes(finding.class)
  )
    return null;
  if (!isOn(bridge.bridge?.['mcast_snooping']) || isOn(bridge.bridge?.['mcast_querier'])) return null;
  return {
    place: `${bridge.name}.mcast_querier`,
    value: '0',
    text: `${bridge.name} snoops without a querier, so it does not know the members and floods`,
    fix: `ip link set dev ${word(bridge.name)} type bridge mcast_querier 1`,
  };
};
