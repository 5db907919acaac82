import { describe, expect, it } from 'vitest';
import { epb, idb, option, rawBlock, shb, spb, u32 } from '../../support/pcap/blocks.js';
import { concat, packets, readAll, runOn } from '../../support/pcap/helpers.js';
import { needs, program } from '../../support/needs.js';

describe('the capture reader', () => {
  it(
    'says the same as tshark of a file with sections, byte orders and all kinds of packets',
    needs(program('tshark')),
    () => {
      const file = concat(
        shb(),
        idb(),
        idb({ options: option(9, Uint8Array.of(9)) }),
        epb({ high: 400_000, low: 1, data: new Uint8Array(60) }),
        epb({ id: 1, high: 400_000_000, low: 2, data: new Uint8Array(61), original: 99, options: option(2, u32(1)) }),
        rawBlock(77, new Uint8Array(5)),
        spb(60, new Uint8Array(60)),
        shb({ big: true }),
        idb({ big: true }),
        epb({ big: true, high: 400_000, low: 3, data: new Uint8Array(62), options: option(2, u32(2, true), true) }),
      );
      const rows = runOn(file, 'tshark', [
        '-r',
        'FILE',
        '-n',
        '-T',
        'json',
        '-e',
        'frame.len',
        '-e',
        'frame.cap_len',
        '-e',
        'frame.packet_flags_direction',
        '-e',
        'frame.offset_shift',
      ]).stdout;
      const theirs = JSON.parse(rows) as readonly {
        readonly _source: { readonly layers: Readonly<Record<string, readonly string[]>> };
      }[];
      expect(
        packets(readAll(file)).map(({ original, data, direction }) => [original, data.length / 2, direction]),
      ).toEqual(
        theirs.map(({ _source: { layers } }) => [
          Number(layers['frame.len']?.[0]),
          Number(layers['frame.cap_len']?.[0]),
          Number(layers['frame.packet_flags_direction']?.[0] ?? 0),
        ]),
      );
    },
  );
});
