import type { Result } from '../../core/model/result.js';
import { evidenceInterfaces } from '../../core/plan/evidence-interfaces.js';
import type { ShownFrame } from '../../core/wire/shown-frame.js';
import type { RunDetails } from '../reporter.js';
import { decodeFrame, hexDump } from './decode-frame.js';
import { type Leak, someOf } from './leaks.js';
import { html, type Markup, nothing } from './markup.js';

/** Of one leak's frames at most this many: one for each carrier of the first observers. */
const maxOfLeak = 4;

/** The first row whose first sighting a frame is. */
function firstRowOf(frame: ShownFrame, { steps }: Result): { readonly step: number; readonly observer: string } | null {
  for (const [step, { findings }] of steps.entries()) {
    const row = findings.find(({ firstSighting }) => firstSighting?.frame === frame.frame);
    if (row !== undefined) return { step, observer: row.observer };
  }
  return null;
}

/**
 * A display filter for Wireshark that shows the leak at the observer of this frame: its interface block, and the
 * addresses as in the frame.
 */
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

function frameMarkup(frame: ShownFrame, result: Result, details: RunDetails): Markup {
  const nameOf = (mac: string): string | null =>
    details.plan.endpoints.find((endpoint) => endpoint.macs.includes(mac))?.name ?? null;
  const cut = frame.original > frame.captured ? ` of ${frame.original}` : '';
  return html`<h4 id="frame-${frame.frame}">Frame ${frame.frame}, ${frame.captured}${cut} bytes</h4><dl>${decodeFrame(frame, nameOf).map((layer) => html`<dt>${layer.name}</dt><dd>${layer.text}</dd>`)}</dl><div class="wide" tabindex="0" role="region" aria-label="Bytes of frame ${frame.frame}"><pre>${hexDumpMarked(frame)}</pre></div><p>In Wireshark: <code>${wiresharkFilter(frame, result, details)}</code></p>`;
}

/** Each line escaped by itself, so that the breaks between them stay. */
function hexDumpMarked(frame: ShownFrame): readonly Markup[] {
  return hexDump(frame)
    .split('\n')
    .map((line, at) => html`${at === 0 ? nothing : { markup: '\n' }}${line}`);
}

/** The first frames of every leak, decoded, in hex, and with the filter that finds them in Wireshark. */
export function framesSection(leaks: readonly Leak[], result: Result, details: RunDetails | null): Markup {
  if (details === null || leaks.length === 0) return nothing;
  const shown = new Set(details.frames.map(({ frame }) => frame));
  const parts = leaks.flatMap((leak) => {
    const numbers = new Set(
      leak.findings.flatMap(({ firstSighting }) =>
        firstSighting === null || !shown.has(firstSighting.frame) ? [] : [firstSighting.frame],
      ),
    );
    const frames = details.frames.filter((frame) => numbers.has(frame.frame)).slice(0, maxOfLeak);
    return frames.length === 0
      ? []
      : [
          html`<h3>${leak.number}. ${someOf(leak.observers, 3)} overheard ${leak.from}</h3>${frames.map((frame) => frameMarkup(frame, result, details))}`,
        ];
  });
  return parts.length === 0
    ? nothing
    : html`<section class="screen" aria-labelledby="frames"><h2 id="frames">The first frames of each leak</h2><p>As they stand in evidence.pcapng at the observer who should not have got them.</p>${parts}</section>`;
}
