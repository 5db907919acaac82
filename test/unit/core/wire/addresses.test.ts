import fc from 'fast-check';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isGroupMac, macBytes, macNumber, macText } from '../../../../src/core/wire/ethernet.js';
import { ipv4Bytes, ipv4Text } from '../../../../src/core/wire/ipv4.js';
import { ipv6Bytes, ipv6Text } from '../../../../src/core/wire/ipv6.js';

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));

describe('a MAC address', () => {
  it('is six bytes of hexadecimal digits with colons', () => {
    expect(hex(macBytes('52:54:00:85:20:D1'))).toBe('5254008520d1');
    for (const text of [
      '',
      '52:54:00:85:20',
      '52:54:00:85:20:d1:00',
      '52-54-00-85-20-d1',
      '5:54:00:85:20:d1',
      'g2:54:00:85:20:d1',
      '52:54:00:85:20:d1\n',
    ])
      expect(macBytes(text)).toBeNull();
  });
  it('reads back from its text, and is a number of 48 bits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(macBytes(macText(bytes, 0))).toEqual(bytes);
        expect(macNumber(bytes, 0)).toBe(Buffer.from(bytes).readUIntBE(0, 6));
      }),
    );
  });
  it('is a group where the lowest bit of its first byte is set', () => {
    const isGroup = (text: string): boolean => isGroupMac(macBytes(text) ?? new Uint8Array(6), 0);
    expect(['ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:0e', '33:33:00:00:00:01'].map(isGroup)).toEqual([true, true, true]);
    expect(isGroup('52:54:00:85:20:d1')).toBe(false);
  });
});

describe('an IPv4 address', () => {
  it('is what node takes for one', () => {
    for (const text of [
      '0.0.0.0',
      '255.255.255.255',
      '192.168.0.20',
      '',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4 ',
      '0x1.2.3.4',
      '1..3.4',
      '-1.2.3.4',
      '1e1.2.3.4',
    ]) {
      expect([text, ipv4Bytes(text) !== null]).toEqual([text, isIPv4(text)]);
    }
  });
  it('reads back from its text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        expect(ipv4Bytes(ipv4Text(bytes, 0))).toEqual(bytes);
      }),
    );
  });
});

describe('an IPv6 address', () => {
  it.each([
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['fe80::', `fe80${'0'.repeat(28)}`],
    ['2001:DB8::C8', '20010db80000000000000000000000c8'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:192.168.0.1', '00000000000000000000ffffc0a80001'],
    ['64:ff9b::1.2.3.4', '0064ff9b000000000000000001020304'],
    ['1::3:4:5:6:7:8', '00010000000300040005000600070008'],
  ])('%s is %s', (text, bytes) => {
    expect(hex(ipv6Bytes(text))).toBe(bytes);
  });
  it('is what node takes for one', () => {
    for (const text of [
      '',
      ':',
      ':::',
      '1',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      '12345::',
      'g::',
      '1:2:3:4:5:6:7::',
      '::1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8::',
      '1.2.3.4::',
      '::1.2.3',
      '::1.2.3.4:5',
      ':1::',
      '1:',
      '1.2.3.4',
    ]) {
      expect([text, ipv6Bytes(text) !== null]).toEqual([text, isIPv6(text)]);
    }
  });
  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['FE80:0:0:0:0:0:0:0', 'fe80::'],
  ])('%s is written as RFC 5952 wants it: %s', (text, canonical) => {
    expect(ipv6Text(ipv6Bytes(text) ?? new Uint8Array(16), 0)).toBe(canonical);
  });
  it('reads back from its text', () => {
    const bytes = fc
      .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
      .map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(bytes, (address) => {
        expect(ipv6Bytes(ipv6Text(address, 0))).toEqual(address);
      }),
    );
  });
});
