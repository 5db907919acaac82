import type { Result } from '../../core/model/result.js';
import { evidenceInterfaces } from '../../core/plan/evidence-interfaces.js';
import type { ShownFrame } from '../../core/wire/shown-frame.js';
import type { RunDetails } from '../reporter.js';
import { decodeFrame, hexDump } from './decode-frame.js';
import { type Block, type Fact, factsOf, type Section, sectionOf, sentence } from '../document.js';

const maxFrames = 12;

function firstRowOf(
  frame: ShownFrame,
  { steps }: Result,
): { readonly step: number; readonly observer: string; readonly from: string } | null {
  for (const [step, { findings }] of steps.entries()) {
    const row = findings.find(({ firstSighting }) => firstSighting?.frame === frame.frame);
    if (row !== undefined) return { step, observer: row.observer, from: row.from };
  }
  return null;
}

/** Wireshark's display filter for the frame's interface block and addresses. */
export function wiresharkFilter(frame: ShownFrame, result: Result, details: RunDetails): string {
  const row = firstRowOf(frame, result);
  const id = evidenceInterfaces(details.plan).findIndex(
    (each) => each.step === row?.step && details.plan.steps[each.step]?.observers[each.observer]?.name === row.observer,
  );
  return [
    ...(id < 0 ? [] : [`frame.interface_id == ${id}`]),
    ...(frame.headers === null
      ? [`frame.number == ${frame.frame}`]
      : [`eth.src == ${frame.headers.srcMac}`, `eth.dst == ${frame.headers.dstMac}`]),
  ].join(' && ');
}

function frameBlocks(frame: ShownFrame, result: Result, details: RunDetails): readonly Block[] {
  const nameOf = (mac: string): string | null =>
    details.plan.endpoints.find((endpoint) => endpoint.macs.includes(mac))?.name ?? null;
  const row = firstRowOf(frame, result);
  const cut = frame.original > frame.captured ? ` of ${frame.original}` : '';
  const whose = row === null ? '' : `: ${row.observer} overheard ${row.from}`;
  return [
    { kind: 'heading', text: `Frame ${frame.frame}, ${frame.captured}${cut} bytes${whose}` },
    ...factsOf(decodeFrame(frame, nameOf).map(({ name, text }): Fact => [name, text])),
    { kind: 'code', text: hexDump(frame) },
    sentence(['In Wireshark: ', { code: wiresharkFilter(frame, result, details) }]),
  ];
}

/** First frames of leaks, in words and hex. */
export function framesSection(result: Result, details: RunDetails | null): readonly Section[] {
  if (details === null) return [];
  const ofPair = new Map<string, ShownFrame>();
  for (const frame of details.frames) {
    const row = firstRowOf(frame, result);
    const key = JSON.stringify([row?.from, row?.observer]);
    if (!ofPair.has(key)) ofPair.set(key, frame);
  }
  return sectionOf({
    id: 'frames',
    title: 'The first frames of leaks, as they stand in evidence.pcapng',
    depth: 'screen',
    blocks: [...ofPair.values()].slice(0, maxFrames).flatMap((frame) => frameBlocks(frame, result, details)),
  });
}
