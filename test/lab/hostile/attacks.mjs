import { randomBytes } from 'node:crypto';

/**
 * What a hostile guest does while probes go from alice to bob. Each attack gets the probes as alice (or `of`) sends
 * them, which is more than any guest sees, and sends frames of its own at a guest's interface: before them, or after
 * them where it is `late`. A new attack is one entry; tests give each a step of its own.
 */
const ethernet = 14;
const tokenAt = 14;
const mac = { alice: '52540000000a', bob: '52540000000b', mallory: '52540000000e', lan: '001122334455' };

/** Frames of probes, one a buffer; only the raw ones, whose token stands behind the Ethernet header. */
function probesIn({ frames, length }) {
  const all = Array.from({ length: frames.length / length }, (_, at) =>
    Buffer.from(frames.subarray(at * length, (at + 1) * length)),
  );
  return all.filter((frame) => frame.readUInt16BE(12) === 0x88b5);
}
const padded = (frame) => (frame.length >= 60 ? frame : Buffer.concat([frame, Buffer.alloc(60 - frame.length)]));
const header = (to, from, type) => Buffer.from(`${mac[to]}${mac[from]}${type}`, 'hex');
const token = (probe) => probe.subarray(tokenAt, tokenAt + 18);

/** One frame after the other, each of its own length. */
async function sendAll(send, socket, frames) {
  for (const frame of frames) await send(socket, frame, frame.length);
}
const tags = (...pairs) =>
  Buffer.concat(pairs.map(([type, vid]) => Buffer.from([type >> 8, type & 255, vid >> 8, vid & 255])));

/**
 * IPv4 around bytes of a protocol, in pieces where `fragment` says so: one that begins at that byte of the datagram.
 */
function ipv4(from, to, payload, { fragment = 0, more = false, protocol = 17 } = {}) {
  const head = Buffer.alloc(20);
  head.set([
    0x45,
    0,
    0,
    0,
    0x12,
    0x34,
    (more ? 0x20 : 0) | (fragment >> 11),
    (fragment >> 3) & 255,
    64,
    protocol,
    0,
    0,
    10,
    0,
    0,
    from,
    10,
    0,
    0,
    to,
  ]);
  head.writeUInt16BE(20 + payload.length, 2);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += head.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >> 16);
  head.writeUInt16BE(~((sum & 0xffff) + (sum >> 16)) & 0xffff, 10);
  return Buffer.concat([head, payload]);
}

/**
 * A frame of nearly 64 KiB as a guest's TCP hands it over that leaves segments and checksums to the device, behind a
 * struct virtio_net_hdr (linux/virtio_net.h): NEEDS_CSUM, TCPV4, and where the checksum begins and stands. The payload
 * is tokens at odd places.
 */
function giant(probe) {
  const segment = 1448;
  const tcp = Buffer.alloc(20);
  tcp.set([0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff]);
  const payload = Buffer.alloc(64_000);
  for (let at = 3; at + 18 <= payload.length; at += 1001) payload.set(token(probe), at);
  const frame = Buffer.concat([
    header('bob', 'mallory', '0800'),
    ipv4(14, 11, Buffer.concat([tcp, payload]), { protocol: 6 }),
  ]);
  const about = Buffer.alloc(10);
  about.set([1, 1]);
  [ethernet + 20 + tcp.length, segment, ethernet + 20, 16].forEach((value, index) =>
    about.writeUInt16LE(value, 2 + 2 * index),
  );
  return Buffer.concat([about, frame]);
}

export const attacks = {
  nothing: { verdict: 'holds', act: async () => undefined },
  'forged tags': {
    verdict: 'holds',
    act: ({ probes, send }) =>
      sendAll(
        send,
        'send:mallory',
        probes.map((probe) => {
          const frame = Buffer.from(probe);
          frame.set(randomBytes(8), tokenAt + 10);
          frame.write(mac.mallory, 6, 'hex');
          return frame;
        }),
      ),
  },
  'flipped bits': {
    verdict: 'holds',
    act: ({ probes, send }) =>
      sendAll(
        send,
        'send:mallory',
        Array.from({ length: 18 * 8 }, (_, bit) => {
          const frame = Buffer.from(probes[bit % probes.length]);
          frame[tokenAt + (bit >> 3)] ^= 1 << (bit & 7);
          frame.write(mac.mallory, 6, 'hex');
          return frame;
        }),
      ),
  },
  'errors that quote tokens, to who sent them': {
    verdict: 'holds',
    late: true,
    act: ({ probes, send }) =>
      sendAll(
        send,
        'send:bob',
        probes
          .slice(0, 50)
          .map((probe) =>
            padded(
              Buffer.concat([
                header('alice', 'bob', '0800'),
                ipv4(11, 10, Buffer.concat([Buffer.from('0303000000000000', 'hex'), probe.subarray(ethernet)])),
              ]),
            ),
          ),
      ),
  },
  'answers that quote tokens, to others as well': {
    verdict: 'inconclusive',
    reason: 'replayed',
    late: true,
    act: ({ probes, send }) =>
      sendAll(
        send,
        'send:bob',
        probes
          .slice(0, 50)
          .flatMap((probe) => [
            padded(
              Buffer.concat([
                header('alice', 'bob', '0800'),
                ipv4(11, 10, Buffer.concat([Buffer.from('0303000000000000', 'hex'), probe.subarray(ethernet)])),
              ]),
            ),
            padded(
              Buffer.concat([
                header('lan', 'bob', '0800'),
                ipv4(11, 200, Buffer.concat([Buffer.from('0000000000000000', 'hex'), token(probe)])),
              ]),
            ),
          ]),
      ),
  },
  'tokens in frames of every shape': {
    verdict: 'inconclusive',
    reason: 'unheard-delivery',
    act: ({ probes: [probe], send }) =>
      sendAll(send, 'send:mallory', [
        ...[15, 16, 17, 23, 31, 32, 45].map((at) =>
          Buffer.concat([header('bob', 'mallory', '1234'), Buffer.alloc(at), token(probe), Buffer.alloc(30)]),
        ),
        ...[14, 15, 20, 30, 31].map((length) =>
          Buffer.concat([header('bob', 'mallory', '88b5'), token(probe)]).subarray(0, length),
        ),
        Buffer.concat([header('bob', 'mallory', '88b5'), token(probe), Buffer.alloc(1482)]),
        ...[tags([0x8100, 10]), tags([0x88a8, 10], [0x8100, 20])].map((stack) =>
          Buffer.concat([
            header('bob', 'mallory', '').subarray(0, 12),
            stack,
            Buffer.from('88b5', 'hex'),
            token(probe),
            Buffer.alloc(40),
          ]),
        ),
        padded(
          Buffer.concat([header('bob', 'mallory', '0800'), ipv4(14, 11, token(probe).subarray(0, 8), { more: true })]),
        ),
        padded(
          Buffer.concat([header('bob', 'mallory', '0800'), ipv4(14, 11, token(probe).subarray(8), { fragment: 8 })]),
        ),
      ]),
  },
  'a token that bob received, sent again to all': {
    verdict: 'inconclusive',
    reason: 'mac-moved',
    late: true,
    act: ({ probes, send }) => sendAll(send, 'send:bob', probes.slice(-40)),
  },
  'frames of 64 KiB with partial checksums': {
    verdict: 'inconclusive',
    reason: 'unheard-delivery',
    act: async ({ probes, sendUnfinished }) => {
      for (const probe of probes.slice(0, 20)) await sendUnfinished('mallory', giant(probe));
    },
  },
  'tokens that the uplink received, broadcasts among them, sent again as they were': {
    verdict: 'holds or inconclusive',
    late: true,
    of: 'mallory',
    act: ({ probes, send }) => sendAll(send, 'send:lan', probes),
  },
  // A probe of whatever MAC alice has is what the filter lets through, so this is the flood that hurts.
  'a flood of noise': {
    verdict: 'holds or inconclusive',
    act: ({ send }) =>
      send(
        'send:mallory',
        Buffer.concat(Array.from({ length: 20_000 }, () => padded(header('bob', 'mallory', '88b6')))),
        60,
        100_000,
      ),
  },
};
export { probesIn };
