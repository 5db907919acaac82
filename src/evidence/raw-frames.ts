import { basename } from 'node:path';
import type { EvidenceInterface } from '../plan/evidence-interfaces.js';
import { escapeText } from '../model/escape-text.js';
import type { Batch } from '../pcap/capture-items.js';
import { readCapture } from './read-capture.js';
import { sortByTime } from './sort-by-time.js';

/** All frames of one step's raw captures, in the order of their times. */
export interface RawFrames {
  readonly count: number;
  /** For position i in time: the batch, and the packet within it. */
  at(i: number): { readonly batch: Batch; readonly packet: number; readonly interfaceId: number };
  readonly damages: readonly string[];
}

interface Loaded {
  readonly batch: Batch;
  /** Raw interface → number of the block in evidence.pcapng; -1 = an observer that the plan does not know. */
  readonly interfaces: readonly number[];
}

async function load(path: string, known: ReadonlyMap<string, number>, clockNs: bigint, loaded: Loaded[], damages: string[]): Promise<void> {
  const interfaces: number[] = [];
  for await (const item of readCapture(path)) {
    switch (item.kind) {
      case 'interface':
        interfaces[item.id] = known.get(escapeText(item.description ?? '')) ?? -1;
        break;
      case 'batch':
        if (clockNs !== 0n) for (let packet = 0; packet < item.count; packet += 1) item.timeNs[packet] = (item.timeNs[packet] ?? 0n) - clockNs;
        loaded.push({ batch: item, interfaces });
        break;
      case 'damage':
        damages.push(`${path}, offset ${item.offset}: ${item.message}`);
        break;
      case 'section':
      case 'statistics':
        break;
    }
  }
}

/**
 * Reads the raw captures of a step and puts their frames in the order of time; frames of the same time stay in the order of
 * file and place. Observers are found by their block's description. `clocks`: by how many ns the clock of a
 * file's host is ahead, which is taken off. Holds the step's frames in memory.
 */
export async function readRawFrames(paths: readonly string[], blocks: readonly EvidenceInterface[], clocks: ReadonlyMap<string, bigint>): Promise<RawFrames> {
  const known = new Map(blocks.map((block, number) => [escapeText(block.description), number]));
  const loaded: Loaded[] = [];
  const damages: string[] = [];
  for (const path of paths) await load(path, known, clocks.get(basename(path)) ?? 0n, loaded, damages);
  const count = loaded.reduce((sum, { batch }) => sum + batch.count, 0);
  const batchOf = new Uint32Array(count);
  const packetOf = new Uint32Array(count);
  const time = new Float64Array(count);
  const base = loaded[0]?.batch.timeNs[0] ?? 0n;
  let next = 0;
  loaded.forEach(({ batch }, index) => {
    for (let packet = 0; packet < batch.count; packet += 1) {
      batchOf[next] = index;
      packetOf[next] = packet;
      time[next] = Number((batch.timeNs[packet] ?? 0n) - base);
      next += 1;
    }
  });
  const order = sortByTime(time);
  return {
    count,
    damages,
    at(i) {
      const position = order[i] ?? 0;
      const one = loaded[batchOf[position] ?? 0];
      if (one === undefined) throw new RangeError(`no frame ${i} of ${count}`);
      const packet = packetOf[position] ?? 0;
      return { batch: one.batch, packet, interfaceId: one.interfaces[one.batch.interfaceId[packet] ?? 0] ?? -1 };
    },
  };
}
