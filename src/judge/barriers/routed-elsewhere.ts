import type { Barrier } from '../../core/judge/explain/barriers/barrier.js';

/** The host routes, and hands what it routes to the addressee of the packet. */
export const routedElsewhere: Barrier = {
  text: 'the host hands what it routes to the addressee',
  opens: 'an addressee whose MAC the bridge does not know: then what the host sends to it floods',
  find({ finding, before, to, observer }) {
    if (finding.class !== 'routed-bounce' || to === null || observer === null || observer.name === to.name) return null;
    const name = finding.carrier.startsWith('ipv6') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
    return before.sysctl[name] === '1' ? `route to ${to.name}` : null;
  },
};
