import { describe, expect, it } from 'vitest';
import { activeFeatures, featureNames } from '../../../../src/system/kernel/ethtool.js';

const names = ['tx-scatter-gather', '', 'tx-checksum-ipv4'];

function strings(names: readonly string[]): Buffer {
  return Buffer.concat(names.map((name) => Buffer.from(name.padEnd(32, '\0'), 'latin1')));
}
/** Blocks of struct ethtool_get_features_block of which these bits are active, and all others available. */
function blocks(count: number, ...active: readonly number[]): Buffer {
  const bytes = Buffer.alloc(count * 16);
  for (let at = 0; at < count; at += 1) bytes.writeUInt32LE(0xffff_ffff, at * 16);
  for (const bit of active) {
    const at = (bit >> 5) * 16 + 8;
    bytes.writeUInt32LE((bytes.readUInt32LE(at) | (1 << (bit & 31))) >>> 0, at);
  }
  return bytes;
}

describe('features of a network card', () => {
  it('have the names that the kernel gives, to the end of each', () => {
    expect(featureNames(strings(names))).toEqual(names);
    expect(featureNames(strings(['x'.repeat(32)]))).toEqual(['x'.repeat(32)]);
    expect(featureNames(Buffer.alloc(0))).toEqual([]);
  });

  it('are on where the bit of their number is active, in whichever block, not where they are only available', () => {
    const many = Array.from({ length: 70 }, (_, at) => `f${at}`);
    expect(activeFeatures(blocks(3, 0, 31, 32, 69), many)).toEqual(['f0', 'f31', 'f32', 'f69']);
    expect(activeFeatures(blocks(1), names)).toEqual([]);
    expect(activeFeatures(blocks(1, 0, 1), names)).toEqual(['tx-scatter-gather']); // a bit without a name is none
  });

  it('are not on in a block that the kernel did not give', () => {
    const many = Array.from({ length: 40 }, (_, at) => `f${at}`);
    expect(activeFeatures(blocks(1, 3), many)).toEqual(['f3']);
  });
});
