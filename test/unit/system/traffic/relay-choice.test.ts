import { describe, expect, it } from 'vitest';
import { isForGuest } from '../../../../src/system/traffic/relay.js';

const guestMac = '00:0c:29:aa:bb:cc';
const peerMac = '52:54:00:00:00:01';

function frame(dst: string, src: string): Buffer {
  return Buffer.concat([
    Buffer.from(dst.replaceAll(':', ''), 'hex'),
    Buffer.from(src.replaceAll(':', ''), 'hex'),
    Buffer.alloc(48),
  ]);
}

describe('a relay hands its guest', () => {
  const choose = isForGuest([guestMac], false);
  const cases: readonly (readonly [string, Buffer, boolean])[] = [
    ['what is addressed to it', frame(guestMac, peerMac), true],
    ['broadcasts', frame('ff:ff:ff:ff:ff:ff', peerMac), true],
    ['multicast', frame('01:00:5e:00:00:fb', peerMac), true],
    ['nothing that is for others', frame(peerMac, '52:54:00:00:00:02'), false],
    ['nothing that it sent itself, not even its own broadcasts', frame('ff:ff:ff:ff:ff:ff', guestMac), false],
  ];
  for (const [name, bytes, expected] of cases) it(name, () => expect(choose(bytes, bytes.length)).toBe(expected));

  it('everything where it asked for it, but for its own', () => {
    const isTaken = isForGuest([guestMac], true);
    expect(
      [frame(peerMac, '52:54:00:00:00:02'), frame(peerMac, guestMac)].map((bytes) => isTaken(bytes, bytes.length)),
    ).toEqual([true, false]);
  });

  it('nothing that is no Ethernet frame', () => expect(choose(frame(guestMac, peerMac), 13)).toBe(false));
});
