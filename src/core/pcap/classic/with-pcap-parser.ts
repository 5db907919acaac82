import { parse } from 'pcap-parser';
import { ClassicGuard } from './guard.js';

export interface ClassicFileRecord {
  readonly timeNs: bigint;
  readonly originalLength: number;
  readonly data: Uint8Array;
}

export interface ClassicFile {
  readonly linkType: number;
  readonly snaplen: number;
  readonly records: readonly ClassicFileRecord[];
  /** Behind these records; null = the file is complete. */
  readonly fault: string | null;
}

export interface ClassicReader {
  readonly linkType: number;
  readonly snaplen: number;
  push(chunk: Uint8Array): readonly ClassicFileRecord[];
  fault(): string | null;
}

/**
 * A second opinion by npm's `pcap-parser`, without code of the capture reader. The guard stops empty or cut files,
 * wrong versions and huge lengths, which the package accepts.
 */
export function pcapParserReader(): ClassicReader {
  const guard = new ClassicGuard();
  let records: ClassicFileRecord[] = [];
  let returned = 0;
  let linkType = 0;
  let snaplen = 0;
  let error: string | null = null;
  let deliver: (data: Buffer) => void = () => undefined;
  const parser = parse({
    pause: () => undefined,
    resume: () => undefined,
    on: (event, listener) => {
      if (event === 'data') deliver = listener;
    },
  });
  parser.on('globalHeader', (header) => {
    linkType = header.linkLayerType;
    snaplen = header.snapshotLength;
  });
  parser.on('packet', ({ header, data }) => {
    const timeNs = BigInt(header.timestampSeconds) * 1_000_000_000n + BigInt(header.timestampMicroseconds) * 1000n;
    // its slices would pin whole chunks
    records.push({ timeNs, originalLength: header.originalLength, data: Uint8Array.from(data) });
  });
  parser.on('error', (cause) => {
    error = cause.message;
  });
  return {
    get linkType() {
      return linkType;
    },
    get snaplen() {
      return snaplen;
    },
    push(chunk) {
      if (guard.see(chunk) !== null || error !== null) return [];
      deliver(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      const taken = records;
      records = [];
      returned += taken.length;
      return taken;
    },
    fault: () =>
      guard.atEnd() ??
      error ??
      (guard.records === returned ? null : `pcap-parser gave ${returned} of ${guard.records} records`),
  };
}

export function classicWithPcapParser(chunks: Iterable<Uint8Array>): ClassicFile {
  const reader = pcapParserReader();
  const records: ClassicFileRecord[] = [];
  for (const chunk of chunks) for (const record of reader.push(chunk)) records.push(record);
  const { linkType, snaplen } = reader;
  return { linkType, snaplen, records, fault: reader.fault() };
}
