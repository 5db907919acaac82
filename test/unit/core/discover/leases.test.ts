import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLeases } from '../../../../src/core/discover/leases.js';

const nowS = Date.UTC(2026, 10, 30, 12) / 1000;
const [mail, shop] = ['02:11:00:00:00:01', '02:11:00:00:00:02'];

describe('the leases of a DHCP server', () => {
  it.each([
    [
      'dnsmasq',
      `${nowS + 60} ${mail} 192.0.2.1 mail 01:${mail}\n0 ${shop} 192.0.2.2 * *\n${nowS - 1} 02:11:00:00:00:03 192.0.2.3 old *\n`,
    ],
    [
      'libvirt',
      JSON.stringify([
        { 'ip-address': '192.0.2.1', 'mac-address': mail.toUpperCase(), hostname: 'mail', 'expiry-time': nowS + 60 },
        { 'ip-address': '192.0.2.2', 'mac-address': shop, 'expiry-time': nowS + 1 },
        { 'ip-address': '192.0.2.3', 'mac-address': '02:11:00:00:00:03', 'expiry-time': nowS - 1 },
      ]),
    ],
    [
      'ISC dhcpd',
      `# dhcpd.leases(5)
lease 192.0.2.1 {
  starts 1 2026/11/30 11:00:00;
  ends 1 2026/11/30 11:30:00;
  binding state free;
  hardware ethernet 02:11:00:00:00:09;
}
lease 192.0.2.1 {
  ends 1 2026/11/30 13:00:00;
  binding state active;
  hardware ethernet ${mail};
  client-hostname "lease 192.0.2.9 {";
}
lease 192.0.2.2 {
  ends never;
  binding state active;
  hardware ethernet ${shop};
}
lease 192.0.2.3 {
  ends 1 2026/11/30 11:59:59;
  binding state active;
  hardware ethernet 02:11:00:00:00:03;
}
`,
    ],
    [
      'Kea',
      `address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state
192.0.2.1,${shop},,3600,${nowS + 1},1,0,0,x,0
192.0.2.1,${mail},,3600,${nowS + 60},1,0,0,mail,0
192.0.2.2,${shop},,3600,${nowS + 60},1,0,0,,0
192.0.2.3,02:11:00:00:00:03,,3600,${nowS - 60},1,0,0,,0
`,
    ],
  ])('of %s name addresses and MACs, those that ended not', (_, text) => {
    expect(parseLeases(text, nowS)).toEqual([
      { mac: mail, address: '192.0.2.1', isLeased: true },
      { mac: shop, address: '192.0.2.2', isLeased: true },
    ]);
  });

  it('name the address of a MAC that is leased longest', () => {
    const of = (...ends: readonly number[]): string =>
      ends.map((end, at) => `${end} ${mail} 192.0.2.${at + 1} * *\n`).join('');
    for (const [text, address] of [
      [of(nowS + 60, nowS + 5), '192.0.2.1'],
      [of(nowS + 5, nowS + 60), '192.0.2.2'],
      [of(0, nowS + 60), '192.0.2.1'],
    ] as const)
      expect(parseLeases(text, nowS).map((lease) => lease.address)).toEqual([address]);
  });

  it.each(['', '[', '[1, null, {}]', 'duid 00:01\n', `0 ${mail} 192.0.2.300 x *\n`, 'lease x {\n}\n'])(
    'are none in %j',
    (text) => {
      expect(parseLeases(text, nowS)).toEqual([]);
    },
  );

  it('are read from any text without an error', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('', '[', 'address,', 'lease x {\n'), (text, head) => {
        parseLeases(head + text, nowS);
      }),
    );
  });
});
