import {
  addForeignBatch,
  type FileView,
  type ForeignFold,
  startForeignFile,
} from '../../core/judge/foreign/foreign.js';
import { isControlComment } from '../../core/judge/recognise/leak-comment.js';
import { usageError } from '../../core/model/verify-error.js';
import { type Batch, directions } from '../../core/pcap/capture-items.js';
import { readPacketOptions } from '../../core/pcap/pcapng/options.js';
import { readCapture } from './read/read-capture.js';

const ethernetLinkType = 1;
/** Direction, packet id and end. */
const plainOptions = 24;

/** Frames towards the host are incoming on its device. */
const hostObserver = /^\S+ \(host\) on /;

function settledIn(batch: Batch, packet: number, atHost: ReadonlySet<number>): 'own' | 'control' | null {
  if (batch.direction[packet] === directions.in && !atHost.has(batch.interfaceId[packet] ?? 0)) return 'own';
  if ((batch.optionsLength[packet] ?? 0) <= plainOptions) return null;
  return readPacketOptions(batch, packet).comments.some(isControlComment) ? 'control' : null;
}

/** A capture from several ports has no single listener. */
function checkOnePort(
  path: string,
  batch: Batch,
  names: ReadonlyMap<number, string | null>,
  interfaces: Set<string | null>,
): void {
  for (let i = 0, last = -1; i < batch.count; i += 1) {
    const id = batch.interfaceId[i] ?? 0;
    if (id !== last) interfaces.add(names.get(id) ?? null);
    last = id;
  }
  if (interfaces.size > 1)
    throw usageError(
      `${path}: it holds what ${interfaces.size} ports saw`,
      "export the listener's alone: verify-isolation export DIR -o FILE.pcapng --observer NAME",
    );
}

/**
 * Reads up to damage. In this tool's captures of one port, incoming frames are the listener's with any source, and
 * comments mark controls. `shown`: the reported name. Rejects with VerifyError (64) for several ports.
 */
export async function hearForeign(fold: ForeignFold, path: string, shown = path): Promise<void> {
  const file = startForeignFile(fold, shown);
  const linkTypes = new Map<number, number>();
  const names = new Map<number, string | null>();
  const atHost = new Set<number>();
  const ports = new Set<string | null>();
  const dropped = new Map<number, number>();
  let ours = false;
  let batch: Batch | null = null;
  const view: FileView = {
    ethernet: (interfaceId) => linkTypes.get(interfaceId) === ethernetLinkType,
    settled: (packet) => (ours && batch !== null ? settledIn(batch, packet, atHost) : null),
  };
  for await (const item of readCapture(path, { fleeting: true })) {
    switch (item.kind) {
      case 'batch':
        batch = item;
        if (ours) checkOnePort(path, item, names, ports);
        addForeignBatch(fold, file, item, view);
        break;
      case 'interface':
        linkTypes.set(item.id, item.linkType);
        names.set(item.id, item.name);
        if (hostObserver.test(item.description ?? '')) atHost.add(item.id);
        break;
      case 'damage':
        file.damages.push(`offset ${item.offset}: ${item.message}`);
        break;
      case 'section':
        ours = item.application?.startsWith('verify-isolation') ?? false;
        file.isOfTool ||= ours;
        break;
      case 'statistics':
        dropped.set(item.interfaceId, Number(item.dropped ?? 0n)); // counters accumulate: the last has all
        break;
    }
  }
  file.dropped = [...dropped.values()].reduce((sum, count) => sum + count, 0);
}
