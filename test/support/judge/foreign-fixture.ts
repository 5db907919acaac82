import {
  addForeignBatch,
  type FileView,
  type ForeignFold,
  type ForeignListener,
  startForeign,
  startForeignFile,
} from '../../../src/core/judge/foreign/foreign.js';
import { finishForeign, type ForeignReport, macOfNumber } from '../../../src/core/judge/foreign/report.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import type { FrameSpec } from '../../../src/core/model/plan.js';
import { tokenLength } from '../../../src/core/wire/token.js';

export const macs = {
  own: '52:54:00:00:00:01',
  a: '52:54:00:00:00:02',
  b: '52:54:00:00:00:03',
  c: '52:54:00:00:00:04',
  all: 'ff:ff:ff:ff:ff:ff',
} as const;
export type Name = keyof typeof macs;
export const numberOf = (name: Name): number => Number.parseInt(macs[name].replaceAll(':', ''), 16);
export const nameOf = (mac: number): string =>
  Object.entries(macs).find(([, text]) => text === macOfNumber(mac))?.[0] ?? macOfNumber(mac);

export const frame = (from: Name, to: Name, over: Partial<FrameSpec> = {}): Uint8Array =>
  buildFrame(
    { carrier: 'raw', srcMac: macs[from], dstMac: macs[to], vlan: [], srcIp: null, dstIp: null, size: 60, ...over },
    new Uint8Array(tokenLength),
  );
export const udp = (from: Name, to: Name): Uint8Array =>
  frame(from, to, { carrier: 'ipv4-udp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' });

export interface Heard {
  readonly bytes: Uint8Array;
  readonly ns?: bigint;
  readonly original?: number;
}
const everything: FileView = { ethernet: () => true, settled: () => null };
export function hear(
  fold: ForeignFold,
  path: string,
  frames: readonly Heard[],
  view: FileView = everything,
): ReturnType<typeof startForeignFile> {
  const file = startForeignFile(fold, path);
  const offsets: number[] = [];
  let at = 0;
  for (const { bytes } of frames) {
    offsets.push(at);
    at += bytes.length;
  }
  addForeignBatch(
    fold,
    file,
    {
      bytes: Buffer.concat(frames.map(({ bytes }) => bytes)),
      count: frames.length,
      offset: Uint32Array.from(offsets),
      captured: Uint32Array.from(frames, ({ bytes }) => bytes.length),
      original: Uint32Array.from(frames, ({ bytes, original }) => original ?? bytes.length),
      interfaceId: Uint32Array.from(frames, (_, index) => index),
      direction: new Uint8Array(frames.length),
      timeNs: BigInt64Array.from(frames, ({ ns }, index) => ns ?? BigInt(index) * 1_000_000_000n),
    },
    view,
  );
  return file;
}
export const listener = (over: Partial<ForeignListener> = {}): ForeignListener => ({
  name: 'kali',
  macs: [numberOf('own')],
  elsewhere: null,
  ...over,
});
export function report(frames: readonly Heard[], of = listener(), view = everything): ForeignReport {
  const fold = startForeign(of);
  hear(fold, 'one.pcapng', frames, view);
  return finishForeign(fold, nameOf);
}
export const each = (...frames: readonly Uint8Array[]): readonly Heard[] => frames.map((bytes) => ({ bytes }));
