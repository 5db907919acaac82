import { isGroupMacText } from '../../wire/ethernet.js';
import { registersOf, type WrittenField } from './ovs-flows.js';

/** A MAC; `group`: for a group, or an address of the network's own; null = any. */
export type FrameTarget = { readonly mac: string } | 'group' | null;

export type Registers = ReadonlyMap<string, bigint | null | 'kept'>;

/** Frames that stand at one place of the pipeline. */
export interface Frames {
  /** Port that they came in by, or that was put in its place; null = any. */
  readonly inPort: string | null;
  /** `none`: their port was taken away, so that they can go back; `other`: another one was put in its place. */
  readonly port: 'own' | 'none' | 'other';
  readonly dst: FrameTarget;
  /** The destination is no longer the one that the sender wrote. */
  readonly isRewritten: boolean;
  /** Nothing but port, VLAN and registers chose them, so that any frame of that port is one. */
  readonly isPlain: boolean;
  /** Tag or source were changed, of all frames of a port or of some. */
  readonly changed: 'no' | 'all' | 'some';
  /** Registers other than 0; null = not known, `kept` = as they were, and nothing asks. */
  readonly registers: Registers;
}

/** Any frame, as it enters. */
export const anyFrame: Frames = {
  ...{ inPort: null, port: 'own', dst: null, isRewritten: false, isPlain: true, changed: 'no', registers: new Map() },
};

/** The MAC that frames are for, as their sender wrote it; null = it is none, or not known. */
export function macOf({ dst, isRewritten }: Frames): string | null {
  return dst !== null && dst !== 'group' && !isRewritten ? dst.mac : null;
}

/** Alike for frames that are alike. */
export function keyOf({ inPort, port, dst, isRewritten, isPlain, changed, registers }: Frames): string {
  const to = dst !== null && typeof dst === 'object' ? dst.mac : dst;
  const set = [...registers].map(([name, value]) => `${name}=${value ?? '?'}`).sort();
  return [inPort, port, to, isRewritten, isPlain, changed, ...set].join(' ');
}

export function distinct<T extends Frames>(frames: readonly T[]): readonly T[] {
  return frames.length < 2 ? frames : [...new Map(frames.map((each) => [keyOf(each), each])).values()];
}

const groupBit = '01:00:00:00:00:00/01:00:00:00:00:00';
const wholeMac = /^[\da-f]{2}(?::[\da-f]{2}){5}$/i;

/** The destination of frames that a match of `dl_dst` takes. */
export function narrowed(dst: FrameTarget, value: string): FrameTarget {
  if (value === groupBit) return 'group';
  if (!wholeMac.test(value) || dst === 'group') return dst;
  return isGroupMacText(value) ? 'group' : { mac: value };
}

/** Does a match of `dl_dst` take frames for that destination? */
export function fitsMac(dst: FrameTarget, wanted: string): 'yes' | 'no' | 'maybe' {
  const [value = '', mask = 'ff:ff:ff:ff:ff:ff'] = wanted.split('/');
  if (dst === null || ![value, mask].every((text) => wholeMac.test(text))) return 'maybe';
  if (dst === 'group') {
    if (wanted === groupBit) return 'yes';
    return mask === 'ff:ff:ff:ff:ff:ff' && !isGroupMacText(value) ? 'no' : 'maybe';
  }
  const bits = (text: string): bigint => BigInt(`0x${text.replaceAll(':', '')}`);
  return (bits(dst.mac) & bits(mask)) === (bits(value) & bits(mask)) ? 'yes' : 'no';
}

/** Frames whose tag or source was changed. */
export function changedTag<T extends Frames>(frames: T): T {
  return { ...frames, changed: frames.isPlain && frames.changed !== 'some' ? 'all' : 'some' };
}

/** Registers after a write; what is not there is 0, and what is not tracked is never asked for. */
export function writtenTo(
  before: Registers,
  { field, value, isWhole }: WrittenField,
  tracked: ReadonlySet<string>,
): Registers {
  const registers = new Map(before);
  for (const part of registersOf(field).filter((name) => tracked.has(name))) {
    if (value === 0n && isWhole) registers.delete(part);
    else registers.set(part, isWhole ? value : null);
  }
  return registers;
}

/** Registers after one was moved whole to another. */
export function movedIn(before: Registers, { from, to }: { readonly from: string; readonly to: string }): Registers {
  return restored(new Map(before).set(to, 'kept'), new Map([[to, before.get(from) ?? (before.has(from) ? null : 0n)]]));
}

/** Registers with those that a table kept as they were before it. */
export function restored(after: Registers, before: Registers): Registers {
  const registers = new Map(after);
  for (const [name, value] of after) {
    if (value !== 'kept') continue;
    const earlier = before.get(name);
    if (earlier === undefined || earlier === 0n) registers.delete(name);
    else registers.set(name, earlier);
  }
  return registers;
}
