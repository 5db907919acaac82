import { type CauseFinder, isOn, isUnicast } from './leak.js';

/** The bridge snoops, but without a querier it does not know who is a member, and floods. */
export const noQuerier: CauseFinder = (leak) => {
  const { bridge, dstMac, finding } = leak;
  if (dstMac === null || isUnicast(leak) || !['multicast', 'igmp-query'].includes(finding.class)) return null;
  if (!isOn(bridge.bridge?.['mcast_snooping']) || isOn(bridge.bridge?.['mcast_querier'])) return null;
  return {
    place: `${bridge.name}.mcast_querier`, value: '0', text: `${bridge.name} snoops without a querier, so it does not know the members and floods`,
    fix: `ip link set dev ${bridge.name} type bridge mcast_querier 1`,
  };
};
