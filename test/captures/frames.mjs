// Frames and capture files for the corpus, built with the program's own writers. Needs dist/.
import { gzipSync } from 'node:zlib';
import { arpLength, arpOperations, writeArp } from '../../build/core/wire/arp.js';
import { macBytes, writeEthernet } from '../../build/core/wire/ethernet.js';
import { ipv4Bytes, writeIpv4 } from '../../build/core/wire/ipv4.js';
import { ipv6Bytes, writeIpv6 } from '../../build/core/wire/ipv6.js';
import { writeTcp } from '../../build/core/wire/tcp.js';
import { writeUdp } from '../../build/core/wire/udp.js';
import { writeTags } from '../../build/core/wire/vlan.js';

export const hosts = {
  kali2: { mac: '52:54:00:85:20:d1', ip: '192.168.0.10', ip6: 'fd00::10' },
  kali3: { mac: '52:54:00:27:4e:0a', ip: '192.168.0.11', ip6: 'fd00::11' },
  lan: { mac: '00:11:22:33:44:55', ip: '192.168.0.20', ip6: 'fd00::20' },
  winxp: { mac: '00:0c:29:aa:bb:cc', ip: '192.168.0.30', ip6: 'fd00::30' },
};
const broadcast = { mac: 'ff:ff:ff:ff:ff:ff', ip: '192.168.0.255', ip6: 'ff02::1' };

/**
 * An Ethernet frame of at least 60 bytes around what `write(into, at)` puts behind the type; `length` bytes of it.
 */
function ethernet(from, to, etherType, length, write, vlan = []) {
  const frame = new Uint8Array(Math.max(60, 14 + 4 * vlan.length + length));
  let at = writeEthernet(frame, 0, { srcMac: macBytes(from.mac), dstMac: macBytes(to.mac), etherType });
  if (vlan.length > 0)
    at = writeTags(
      frame,
      12,
      vlan,
      vlan.map((_, i) => (vlan.length > 1 && i === 0 ? 0x88a8 : 0x8100)),
      etherType,
    );
  write(frame, at);
  return frame;
}
function text(frame, at, data) {
  frame.set(new TextEncoder().encode(data), at);
}
export function tcp(from, to, { data = '', flags = 0x18, ports = [40_000, 80], vlan } = {}) {
  return ethernet(
    from,
    to,
    0x0800,
    40 + data.length,
    (frame, at) => {
      const next = writeIpv4(frame, at, {
        src: ipv4Bytes(from.ip),
        dst: ipv4Bytes(to.ip),
        protocol: 6,
        hopLimit: 64,
        payloadLength: 20 + data.length,
      });
      text(
        frame,
        writeTcp(frame, next, { srcPort: ports[0], dstPort: ports[1], sequence: 1, flags, window: 512 }),
        data,
      );
    },
    vlan,
  );
}
export function udp(from, to, { data = 'hello', ports = [50_000, 53], vlan } = {}) {
  return ethernet(
    from,
    to,
    0x0800,
    28 + data.length,
    (frame, at) => {
      const next = writeIpv4(frame, at, {
        src: ipv4Bytes(from.ip),
        dst: ipv4Bytes(to.ip),
        protocol: 17,
        hopLimit: 64,
        payloadLength: 8 + data.length,
      });
      text(frame, writeUdp(frame, next, { srcPort: ports[0], dstPort: ports[1], payloadLength: data.length }), data);
    },
    vlan,
  );
}
export function udp6(from, to, data = 'hello') {
  return ethernet(from, to, 0x86dd, 48 + data.length, (frame, at) => {
    const next = writeIpv6(frame, at, {
      src: ipv6Bytes(from.ip6),
      dst: ipv6Bytes(to.ip6),
      protocol: 17,
      hopLimit: 64,
      payloadLength: 8 + data.length,
    });
    text(frame, writeUdp(frame, next, { srcPort: 50_000, dstPort: 53, payloadLength: data.length }), data);
  });
}
/** A fragment but the first (RFC 791): offset 185 · 8. */
export function fragment(from, to) {
  const frame = udp(from, to, { data: 'x'.repeat(40) });
  frame[20] = 0x00;
  frame[21] = 0xb9;
  return frame;
}
export function arp(from, to, operation) {
  return ethernet(from, operation === arpOperations.request ? broadcast : to, 0x0806, arpLength, (frame, at) => {
    writeArp(frame, at, {
      operation,
      senderMac: macBytes(from.mac),
      senderIp: ipv4Bytes(from.ip),
      targetMac: macBytes(operation === 1 ? '00:00:00:00:00:00' : to.mac),
      targetIp: ipv4Bytes(to.ip),
    });
  });
}
export function raw(from, to, etherType = 0x88b5) {
  return ethernet(from, to, etherType, 20, (frame, at) => text(frame, at, 'twenty octets, raw..'));
}

const start = 1_764_000_000; // 2025-11-24T16:00:00Z
function u32(value, big) {
  const bytes = Buffer.alloc(4);
  if (big) bytes.writeUInt32BE(value >>> 0);
  else bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
function u16(value, big) {
  const bytes = Buffer.alloc(2);
  if (big) bytes.writeUInt16BE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
}

/** Classic pcap, one frame a millisecond, in either resolution and byte order. */
export function pcap(frames, { nano = false, big = false, linkType = 1, snaplen = 262_144 } = {}) {
  return Buffer.concat([
    u32(nano ? 0xa1b23c4d : 0xa1b2c3d4, big),
    u16(2, big),
    u16(4, big),
    Buffer.alloc(8),
    u32(snaplen, big),
    u32(linkType, big),
    ...frames.flatMap((frame, i) => {
      const data = frame.subarray(0, snaplen);
      return [
        u32(start + Math.floor(i / 1000), big),
        u32((i % 1000) * (nano ? 1_000_001 : 1000), big),
        u32(data.length, big),
        u32(frame.length, big),
        data,
      ];
    }),
  ]);
}
function block(type, body, big) {
  const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
  return Buffer.concat([u32(type, big), u32(12 + padded.length, big), padded, u32(12 + padded.length, big)]);
}
/** One section of pcapng with one interface; `simple` writes simple packet blocks, which have no time. */
export function pcapng(frames, { big = false, simple = false, linkType = 1 } = {}) {
  return Buffer.concat([
    block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d, big), u16(1, big), u16(0, big), Buffer.alloc(8, 0xff)]), big),
    block(1, Buffer.concat([u16(linkType, big), u16(0, big), u32(0, big)]), big),
    ...frames.map((frame, i) => {
      if (simple) return block(3, Buffer.concat([u32(frame.length, big), frame]), big);
      const time = BigInt(start) * 1_000_000n + BigInt(i) * 1000n; // µs
      return block(
        6,
        Buffer.concat([
          u32(0, big),
          u32(Number(time >> 32n), big),
          u32(Number(time & 0xffff_ffffn), big),
          u32(frame.length, big),
          u32(frame.length, big),
          frame,
          Buffer.alloc(-frame.length & 3),
        ]),
        big,
      );
    }),
  ]);
}
/** gzip with no time in its header, so that the same bytes come out each time. */
export function gz(bytes) {
  return gzipSync(bytes, { level: 9 });
}
