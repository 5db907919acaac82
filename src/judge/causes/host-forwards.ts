import { type CauseFinder } from '../../core/judge/explain/causes/leak.js';

/** The host routes between guests that the bridge keeps apart. */
export const hostForwards: CauseFinder = ({ finding, before }) => {
  if (finding.class !== 'routed-bounce') return null;
  const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
  if (before.sysctl[name] !== '1') return null;
  return {
    place: name,
    value: '1',
    text: 'the host forwards: packets for its own MAC come back out to the guest that they are for',
    fix: `sysctl -w ${name}=0`,
  };
};
