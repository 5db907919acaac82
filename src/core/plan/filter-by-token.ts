import type { FrameSpec } from '../model/plan.js';
import { frameTemplate } from '../probe/frames/frame.js';

/** Octets before the run's tag in a token (core/wire/token.ts). */
const beforeTag = 2;
const ethernetHeader = 14;
/**
 * A bridge takes tags away or adds some, and the kernel holds the outermost one of a received frame aside: the token
 * moves by so many octets.
 */
const shifts = [-8, -4, 0, 4, 8] as const;

/**
 * A libpcap filter that takes the frames of one run by the tag in their token, wherever the forms among `frames` have
 * it, and no other's: the kernel refuses guests' own frames before it copies them, however many MACs speak. In
 * ascending order, for a load beyond a frame's end refuses it (linux/filter.h: classic BPF).
 */
export function filterByToken(frames: Iterable<FrameSpec>, runTag: number): string {
  const tokens = new Map<string, number>();
  for (const frame of frames) {
    const key = `${frame.carrier} ${frame.form ?? ''} ${frame.vlan.length} ${frame.size}`;
    if (!tokens.has(key)) tokens.set(key, frameTemplate(frame).tokenAt);
  }
  const places = new Set(
    [...tokens.values()].flatMap((at) => shifts.map((shift) => at + shift)).filter((at) => at >= ethernetHeader),
  );
  return [...places]
    .sort((a, b) => a - b)
    .map((at) => `ether[${at + beforeTag}:4] = 0x${runTag.toString(16).padStart(8, '0')}`)
    .join(' or ');
}
