import { readCapture } from '../../../src/system/evidence/read/read-capture.js';
import { parseFolder } from '../../../src/system/evidence/folder/parse-folder.js';
import type { Flow } from '../../../src/core/model/plan.js';
import { directions } from '../../../src/core/pcap/capture-items.js';
import { findToken, tokenIndex } from '../../../src/core/wire/token.js';

/** A probe on its way into the bridge, as the sender's port had it. */
export interface Entered {
  readonly atMs: number;
  readonly step: number;
  readonly flow: Flow;
}

/** Every probe of a run that entered at its sender's port, by the kernel's time: what really was sent, and when. */
export async function enteredIn(dir: string): Promise<readonly Entered[]> {
  const { plan } = await parseFolder(dir);
  const flows = plan.steps.flatMap((step) => [...step.flows].map((flow) => ({ step: step.index, flow })));
  const ports = new Map(plan.endpoints.map(({ name, port }) => [name, port]));
  const interfaces = new Map<number, string | null>();
  const found: Entered[] = [];
  for await (const item of readCapture(`${dir}/evidence.pcapng`)) {
    if (item.kind === 'interface') interfaces.set(item.id, item.name);
    if (item.kind === 'damage') throw new Error(item.message);
    if (item.kind !== 'batch') continue;
    for (let packet = 0; packet < item.count; packet += 1) {
      const start = item.offset[packet] ?? 0;
      const token = findToken(item.bytes, start, start + (item.captured[packet] ?? 0), plan.runTag, -1);
      if (token === null || item.direction[packet] !== directions.in) continue;
      const index = tokenIndex(item.bytes, token.at);
      const match = flows.find(({ flow }) => index >= flow.first && index < flow.first + flow.count);
      if (match === undefined || ports.get(match.flow.sender) !== interfaces.get(item.interfaceId[packet] ?? -1))
        continue;
      found.push({ atMs: Number((item.timeNs[packet] ?? 0n) / 1000n) / 1000, step: match.step, flow: match.flow });
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

/** The most frames that entered within any `windowMs`. */
export function maxWithin(frames: readonly Entered[], windowMs: number): number {
  let most = 0;
  for (let first = 0, last = 0; last < frames.length; last += 1) {
    while ((frames[last]?.atMs ?? 0) - (frames[first]?.atMs ?? 0) >= windowMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
