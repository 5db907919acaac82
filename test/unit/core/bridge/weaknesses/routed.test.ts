import { describe, expect, it } from 'vitest';
import { findAsText } from '../../../../support/judge/find-as-text.js';
import { b, finding, host, leak, never, of } from '../../../../support/judge/leak-fixture.js';
import { policyRoutes, routedA } from '../../../../support/judge/routed.js';

describe('guests to which the host routes', () => {
  it.each(Object.entries(policyRoutes))('get packets for others by %s', (_, [found, fix]) =>
    expect(findAsText('policy-route')(leak(found))).toMatchObject({ fix }),
  );

  const forwarding = { before: host({ sysctl: { 'net.ipv4.ip_forward': '1' } }), from: routedA };
  const sent = { ...finding, class: 'known-unicast', carrier: 'ipv4-udp' } as const;
  const find = findAsText('host-forwards');

  it('reach each other where it forwards, until a rule drops what goes from the one to the other', () => {
    const observer = { ...(leak().observer ?? never()), name: b.name, interface: 'tap2' };
    expect(find(leak({ ...forwarding, finding: sent, to: b, observer }))).toMatchObject({
      place: 'net.ipv4.ip_forward',
      fix: expect.stringContaining('inet isolation forward iifname tap.1 oifname tap2 drop') as string,
    });
    expect(find(leak({ ...forwarding, finding: { ...sent, carrier: 'raw' }, to: b, observer }))).toBeNull();
  });

  it('send from any address by IPv6, which has no rp_filter, until a rule asks', () => {
    const spoofed = of('ip-spoof', { carrier: 'ipv6-udp' });
    expect(findAsText('rp-filter-off')(leak({ from: routedA, finding: spoofed }))).toMatchObject({
      place: 'tap.1, IPv6',
      fix: expect.stringContaining('source iifname tap.1 fib saddr . iif oif missing drop') as string,
    });
    const observer = { ...(leak().observer ?? never()), name: b.name };
    expect(find(leak({ ...forwarding, finding: { ...spoofed, carrier: 'ipv4-udp' }, to: b, observer }))).toBeNull();
  });

  it('reach a guest of a bridge, and bridges each other, until a rule drops what goes from the one device to the other', () => {
    const observer = { ...(leak().observer ?? never()), name: b.name };
    const bounced = { ...forwarding, finding: of('routed-bounce', { carrier: 'ipv4-udp' }), to: b, observer };
    expect(find(leak(bounced))).toMatchObject({
      fix: expect.stringContaining('inet isolation forward iifname tap.1 oifname br0 drop') as string,
    });
    expect(find(leak({ ...bounced, from: { ...b, name: 'away', bridge: 'br9' } }))).toMatchObject({
      text: 'the host forwards what comes in on br9 to br0, and no rule drops it',
    });
    const near = { ...bounced, from: { ...b, name: 'near' } };
    expect(find(leak(near))).toBeNull(); // no router had these frames
    expect(find(leak({ ...near, finding: { ...near.finding, forms: { routed: 3 } } }))).toMatchObject({
      fix: expect.stringContaining('inet isolation forward iifname br0 oifname br0 drop') as string,
    });
  });

  it('are not reached by it where the observer is a third one', () =>
    expect(find(leak({ ...forwarding, finding: sent, to: b }))).toBeNull());
});
