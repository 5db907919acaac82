/**
 * Blocks of pcapng in either byte order, rightly formed unless told otherwise: what the project's own writer would
 * never write.
 */
export interface Shape {
  readonly big?: boolean;
  /** Lies: what stands for the block's length, in front and at the end. */
  readonly length?: number;
  readonly trailer?: number;
}

export function u16(value: number, big = false): Uint8Array {
  const bytes = Buffer.alloc(2);
  if (big) bytes.writeUInt16BE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number, big = false): Uint8Array {
  const bytes = Buffer.alloc(4);
  if (big) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}

export function rawBlock(type: number, body: Uint8Array, { big = false, length, trailer }: Shape = {}): Uint8Array {
  const padding = -body.length & 3;
  const whole = 12 + body.length + padding;
  return Buffer.concat([
    u32(type, big),
    u32(length ?? whole, big),
    body,
    Buffer.alloc(padding),
    u32(trailer ?? length ?? whole, big),
  ]);
}

export function option(code: number, value: Uint8Array, big = false, length = value.length): Uint8Array {
  return Buffer.concat([u16(code, big), u16(length, big), value, Buffer.alloc(-value.length & 3)]);
}

export function shb(
  shape: Shape & { readonly major?: number; readonly magic?: number; readonly options?: Uint8Array } = {},
): Uint8Array {
  const big = shape.big ?? false;
  return rawBlock(
    0x0a0d0d0a,
    Buffer.concat([
      u32(shape.magic ?? 0x1a2b3c4d, big),
      u16(shape.major ?? 1, big),
      u16(0, big),
      Buffer.alloc(8, 0xff),
      shape.options ?? Buffer.alloc(0),
    ]),
    shape,
  );
}

export function idb(
  shape: Shape & { readonly snaplen?: number; readonly linkType?: number; readonly options?: Uint8Array } = {},
): Uint8Array {
  const big = shape.big ?? false;
  return rawBlock(
    1,
    Buffer.concat([
      u16(shape.linkType ?? 1, big),
      u16(0, big),
      u32(shape.snaplen ?? 0, big),
      shape.options ?? Buffer.alloc(0),
    ]),
    shape,
  );
}

export interface PacketShape extends Shape {
  readonly id?: number;
  readonly high?: number;
  readonly low?: number;
  readonly captured?: number;
  readonly original?: number;
  readonly data?: Uint8Array;
  readonly options?: Uint8Array;
}

export function epb(shape: PacketShape = {}): Uint8Array {
  const big = shape.big ?? false;
  const data = shape.data ?? Buffer.from('abcde');
  return rawBlock(
    6,
    Buffer.concat([
      u32(shape.id ?? 0, big),
      u32(shape.high ?? 0, big),
      u32(shape.low ?? 7, big),
      u32(shape.captured ?? data.length, big),
      u32(shape.original ?? data.length, big),
      data,
      Buffer.alloc(-data.length & 3),
      shape.options ?? Buffer.alloc(0),
    ]),
    shape,
  );
}

export function spb(original: number, data: Uint8Array, shape: Shape = {}): Uint8Array {
  return rawBlock(3, Buffer.concat([u32(original, shape.big), data]), shape);
}

export function classic(
  magic: number,
  big: boolean,
  records: readonly {
    readonly seconds: number;
    readonly fraction: number;
    readonly captured?: number;
    readonly data: Uint8Array;
  }[],
  version: readonly [number, number] = [2, 4],
): Uint8Array {
  return Buffer.concat([
    u32(magic, big),
    u16(version[0], big),
    u16(version[1], big),
    Buffer.alloc(8),
    u32(65_535, big),
    u32(1, big),
    ...records.flatMap(({ seconds, fraction, captured, data }) => [
      u32(seconds, big),
      u32(fraction, big),
      u32(captured ?? data.length, big),
      u32(data.length + 1, big),
      data,
    ]),
  ]);
}
