import { join } from 'node:path';
import { type Batch, packetDirection, directions } from '../../core/pcap/capture-items.js';
import { interfaceAsRead, interfaceStatistics, sectionHeader } from '../../core/pcap/pcapng/writer.js';
import { highHalf, lowHalf, timeWords } from '../../core/pcap/time-words.js';
import { ethernetLength, isGroupMac, macNumber } from '../../core/wire/ethernet.js';
import { BlockWriter } from './collate/block-writer.js';
import { readCapture } from './read/read-capture.js';

/** A capture for each port. */
export interface SplitCapture {
  readonly files: readonly string[];
  /** True if unicast to a MAC behind another port came in here, so others might have overheard it. */
  crossed(port: number, to: (mac: number) => boolean): boolean;
  /** Senders at this port alone. */
  spoke(port: number): readonly number[];
  readonly damages: readonly string[];
}

/** Against floods of invented addresses. */
const maxAddresses = 10_000;

function copy(out: BlockWriter, batch: Batch, i: number, times: Uint32Array): void {
  const direction = packetDirection(batch, i);
  out.writePacket({
    interfaceId: 0,
    timeHigh: times[2 * i + highHalf] ?? 0,
    timeLow: times[2 * i + lowHalf] ?? 0,
    bytes: batch.bytes,
    from: batch.offset[i] ?? 0,
    captured: batch.captured[i] ?? 0,
    original: batch.original[i] ?? 0,
    direction,
  });
}

/** Writes `<name>.pcapng` for each interface. Throws VerifyError (69) if the disk refuses. */
export async function splitByPort(
  path: string,
  dir: string,
  names: readonly string[],
  application: string,
): Promise<SplitCapture> {
  const files = names.map((name) => join(dir, `${name}.pcapng`));
  const outs = files.map((file) => new BlockWriter(file));
  const addressees = names.map(() => new Set<number>());
  const sources = names.map(() => new Set<number>());
  const note = (known: Set<number> | undefined, mac: number): void => {
    if (known !== undefined && known.size < maxAddresses) known.add(mac);
  };
  const noteAddresses = (batch: Batch, i: number): void => {
    const port = batch.interfaceId[i] ?? -1;
    const at = batch.offset[i] ?? 0;
    if (batch.direction[i] !== directions.in || (batch.captured[i] ?? 0) < ethernetLength) return;
    note(sources[port], macNumber(batch.bytes, at + 6));
    if (!isGroupMac(batch.bytes, at)) note(addressees[port], macNumber(batch.bytes, at));
  };
  const damages: string[] = [];
  for await (const item of readCapture(path, { fleeting: true })) {
    switch (item.kind) {
      case 'interface':
        outs[item.id]?.writeBlock(sectionHeader({ application, os: 'Linux' }));
        outs[item.id]?.writeBlock(interfaceAsRead(item));
        break;
      case 'batch': {
        const times = timeWords(item.timeNs);
        for (let i = 0; i < item.count; i += 1) {
          const out = outs[item.interfaceId[i] ?? -1];
          if (out !== undefined) copy(out, item, i, times);
          noteAddresses(item, i);
        }
        break;
      }
      case 'statistics':
        outs[item.interfaceId]?.writeBlock(interfaceStatistics({ ...item, interfaceId: 0, timeNs: item.endNs ?? 0n }));
        break;
      case 'damage':
        damages.push(`offset ${item.offset}: ${item.message}`);
        break;
      case 'section':
        break;
    }
  }
  for (const out of outs) out.finish();
  return {
    files,
    damages,
    crossed: (port, to) => [...(addressees[port] ?? [])].some(to),
    spoke: (port) =>
      [...(sources[port] ?? [])].filter(
        (mac) => !sources.some((others, position) => position !== port && others.has(mac)),
      ),
  };
}
