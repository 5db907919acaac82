import { isGroupMacText } from '../../wire/ethernet.js';
import { registersOf, type WrittenField } from './ovs-flows.js';

/** `group` includes the network's own addresses. null = any. */
export type FrameTarget = { readonly mac: string } | 'group' | null;

export type Registers = ReadonlyMap<string, bigint | null | 'kept'>;

export interface Frames {
  /** The original or replacing port. null = any. */
  readonly inPort: string | null;
  /** `none`: removed, so that they can go back. */
  readonly port: 'own' | 'none' | 'other';
  readonly dst: FrameTarget;
  readonly isRewritten: boolean;
  /** Chosen by port, VLAN and registers only. */
  readonly isPlain: boolean;
  /** Tag or source. */
  readonly changed: 'no' | 'all' | 'some';
  /** Other than 0. null = not known, `kept` = unchanged and not matched. */
  readonly registers: Registers;
}

export const anyFrame: Frames = {
  ...{ inPort: null, port: 'own', dst: null, isRewritten: false, isPlain: true, changed: 'no', registers: new Map() },
};

/** The destination MAC as sent. null = none, or not known. */
export function macOf({ dst, isRewritten }: Frames): string | null {
  return dst !== null && dst !== 'group' && !isRewritten ? dst.mac : null;
}

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

/** The destination after a match of `dl_dst`. */
export function narrowed(dst: FrameTarget, value: string): FrameTarget {
  if (value === groupBit) return 'group';
  if (!wholeMac.test(value) || dst === 'group') return dst;
  return isGroupMacText(value) ? 'group' : { mac: value };
}

/** Compares a destination with `dl_dst`. */
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

export function changedTag<T extends Frames>(frames: T): T {
  return { ...frames, changed: frames.isPlain && frames.changed !== 'some' ? 'all' : 'some' };
}

/** Registers after a write. Absent = 0. Untracked ones are never matched. */
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

/** Registers after a complete move. */
export function movedIn(before: Registers, { from, to }: { readonly from: string; readonly to: string }): Registers {
  return restored(new Map(before).set(to, 'kept'), new Map([[to, before.get(from) ?? (before.has(from) ? null : 0n)]]));
}

/** Registers after a table, with those that it kept. */
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
