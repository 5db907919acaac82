import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';

/** The host takes packets for its own MAC and routes none. */
export const forwardingOff: Barrier = {
  text: 'the host does not forward',
  opens: 'ip_forward 1, which container and VPN software set by themselves',
  find({ finding, before }) {
    if (finding.class !== 'routed-bounce') return null;
    const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    return before.sysctl[name] === '0' ? name : null;
  },
};
