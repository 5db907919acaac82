import type { Result } from '../../core/model/result.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import { quoteForShell } from '../../core/text/escape.js';
import type { RunDetails } from '../reporter.js';
import { html, type Markup, nothing } from './markup.js';

interface Line {
  readonly ms: number;
  readonly step: number;
  readonly what: string;
  readonly text: string;
}

/** What an entry says to a reader; null = it says nothing that another one does not. */
function describe(entry: TimelineEntry): Omit<Line, 'ms' | 'step'> | null {
  switch (entry.event) {
    case 'changed':
      return {
        what: 'setting',
        text: `${entry.commands.map((argv) => argv.map(quoteForShell).join(' ')).join('; ')}${entry.readBack === null ? '' : ` (read back: ${entry.readBack})`}`,
      };
    case 'learned':
      return {
        what: 'announcing',
        text: `${entry.endpoints.length > 12 ? `${entry.endpoints.length} endpoints` : entry.endpoints.join(', ')}`,
      };
    case 'sealed':
      return { what: 'listening', text: 'every observer listens; nothing more is opened' };
    case 'state-read':
      return { what: 'state read', text: entry.when === 'during' ? 'around an event' : `${entry.when} the probes` };
    case 'controls-sent':
      return { what: 'controls', text: `${entry.phase} the probes: ${entry.accepted.length} sent` };
    case 'probing':
      return { what: 'probes', text: entry.state };
    case 'sent':
      return { what: 'probes', text: `${entry.accepted} of ${entry.planned}, flow ${entry.flow}` };
    case 'traffic':
      return { what: 'traffic', text: `${entry.ok ? 'worked' : 'failed'}: ${entry.detail}` };
    case 'rules-changed':
      return {
        what: 'rules',
        text: `changed meanwhile: ${[...new Set(entry.changes.map(({ kind }) => kind))].join(', ')}`,
      };
    case 'settings-changed':
      return {
        what: 'settings',
        text: `changed meanwhile: ${[...new Set(entry.changes.map(({ what }) => what))].join(', ')}`,
      };
    case 'drained':
      return { what: 'drained', text: `waited ${entry.drainMs} ms for frames under way` };
    case 'fault':
      return { what: 'fault', text: `${entry.fault.code}: ${entry.fault.text}` };
    case 'kept':
      return { what: 'kept', text: `a frame at ${entry.observer}, because the file could not be written` };
    case 'step-ended':
      return { what: 'step ends', text: entry.outcome };
    default:
      return null;
  }
}

/** Frames of a step's flows that went out one burst after the other become one line. */
function withoutBursts(entries: readonly TimelineEntry[]): readonly Line[] {
  const lines: Line[] = [];
  let run: { readonly ms: number; readonly step: number; frames: number; bursts: number } | null = null;
  const flush = (): void => {
    if (run !== null)
      lines.push({
        ms: run.ms,
        step: run.step,
        what: 'probes',
        text: `${run.frames} frames sent in ${run.bursts} ${run.bursts === 1 ? 'burst' : 'bursts'}`,
      });
    run = null;
  };
  for (const entry of entries) {
    if (entry.event === 'sent') {
      run ??= { ms: entry.monoMs, step: entry.step, frames: 0, bursts: 0 };
      run.frames += entry.accepted;
      run.bursts += 1;
      continue;
    }
    flush();
    const text = describe(entry);
    if (text !== null) lines.push({ ms: entry.monoMs, step: entry.step, ...text });
  }
  flush();
  return lines;
}

/** Wall-clock time of a sighting on the scale of the timeline, in ms. */
function sightings(result: Result, details: RunDetails): readonly Line[] {
  const [first] = details.timeline;
  if (first === undefined) return [];
  const startMs = Number(BigInt(first.atNs) / 1_000_000n) - first.monoMs;
  return result.steps.flatMap((step, index) =>
    step.findings
      .filter((finding) => finding.leak)
      .slice(0, 24)
      .flatMap((finding) =>
        finding.firstSighting === null
          ? []
          : [
              {
                ms: Date.parse(finding.firstSighting.at) - startMs,
                step: index,
                what: 'leak',
                text: `✖ ${finding.observer} overhears ${finding.from} → ${finding.to ?? 'all'} (${finding.class}, ${finding.carrier}) for the first time`,
              },
            ],
      ),
  );
}

/** What happened when: settings, controls, probes, sightings. */
export function timelineSection(result: Result, details: RunDetails | null): Markup {
  if (details === null) return nothing;
  const lines = [...withoutBursts(details.timeline), ...sightings(result, details)]
    .sort((a, b) => a.step - b.step || a.ms - b.ms)
    .slice(0, 3000);
  const rows = lines.map(
    (line) =>
      html`<tr><td class="n">${(line.ms / 1000).toFixed(3)}</td><td class="n">${line.step + 1}</td><td>${line.what}</td><td>${line.text}</td></tr>`,
  );
  return html`<section class="screen" aria-labelledby="timeline"><h2 id="timeline">What happened when</h2><details><summary>${lines.length} lines, in seconds since the run began</summary><div class="wide" tabindex="0" role="region" aria-label="Timeline"><table><thead><tr><th scope="col" class="n">s</th><th scope="col" class="n">step</th><th scope="col">what</th><th scope="col">how</th></tr></thead><tbody>${rows}</tbody></table></div></details></section>`;
}
