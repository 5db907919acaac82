import { expect, it } from 'vitest';
import { createHeaderReader } from '../../../../../src/core/judge/recognise/frame-form.js';
import type { FrameSpec } from '../../../../../src/core/model/plan.js';
import { ipProtocols } from '../../../../../src/core/wire/ipv4.js';
import { flow } from '../../../../support/judge/row-fixture.js';

const udp: FrameSpec = { ...flow.frame, carrier: 'ipv4-udp', srcIp: '10.9.1.1', dstIp: '10.9.1.2', size: 80 };
const sctp: FrameSpec = { ...udp, fields: { protocol: ipProtocols.sctp } };

it.each([
  ['after', [udp, sctp]],
  ['before', [sctp, udp]],
])('knows where the token of another protocol stands, %s one that is alike but for it', (_name, frames) => {
  const read = createHeaderReader();
  const behind = new Map(frames.map((frame) => [frame, read(frame).tokenBehind]));
  // Behind the header of UDP, which is read to its end, and behind the 12 bytes of SCTP's (RFC 9260 3.1)
  expect([behind.get(udp), behind.get(sctp)]).toEqual([0, 12]);
});
