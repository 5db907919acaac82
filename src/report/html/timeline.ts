import type { Result, StepResult } from '../../core/model/result.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import { counted, quoteForShell } from '../../core/text/escape.js';
import type { RunDetails } from '../reporter.js';
import { html, type Markup, nothing } from './markup.js';

interface Line {
  readonly ms: number;
  readonly step: number;
  readonly what: string;
  readonly text: string;
}

/** The commands of a change, and what the kernel has since. */
function changedText({ commands, readBack }: Extract<TimelineEntry, { event: 'changed' }>): string {
  const text = commands.map((argv) => argv.map(quoteForShell).join(' ')).join('; ');
  return readBack === null ? text : `${text} (read back: ${readBack})`;
}

type LineText = Omit<Line, 'ms' | 'step'>;

function trafficLine({ ok, detail }: Extract<TimelineEntry, { event: 'traffic' }>): LineText {
  return { what: 'traffic', text: `${ok ? 'worked' : 'failed'}: ${detail}` };
}

function stateLine({ when }: Extract<TimelineEntry, { event: 'state-read' }>): LineText {
  return { what: 'state read', text: when === 'during' ? 'around an event' : `${when} the probes` };
}

function namesText(names: readonly string[]): string {
  return names.length > 12 ? `${names.length} endpoints` : names.join(', ');
}

/** Names in the order of their first appearance, each once. */
function uniqueText(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}

/** What an entry says to a reader; null = it says nothing that another one does not. */
function describe(entry: TimelineEntry): LineText | null {
  switch (entry.event) {
    case 'changed':
      return { what: 'setting', text: changedText(entry) };
    case 'learned':
      return { what: 'announcing', text: namesText(entry.endpoints) };
    case 'sealed':
      return { what: 'listening', text: 'every observer listens; nothing more is opened' };
    case 'state-read':
      return stateLine(entry);
    case 'controls-sent':
      return { what: 'controls', text: `${entry.phase} the probes: ${entry.accepted.length} sent` };
    case 'probing':
      return { what: 'probes', text: entry.state };
    case 'sent':
      return { what: 'probes', text: `${entry.accepted} of ${entry.planned}, flow ${entry.flow}` };
    case 'traffic':
      return trafficLine(entry);
    case 'rules-changed':
      return { what: 'rules', text: `changed meanwhile: ${uniqueText(entry.changes.map(({ kind }) => kind))}` };
    case 'settings-changed':
      return { what: 'settings', text: `changed meanwhile: ${uniqueText(entry.changes.map(({ what }) => what))}` };
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
        text: `${counted(run.frames, 'frame')} sent in ${counted(run.bursts, 'burst')}`,
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

/**
 * A step on the time of the run, in ms: when it went on, when probes did, what was set, and where leaks were first
 * seen.
 */
interface Lane {
  readonly step: number;
  readonly from: number;
  to: number;
  readonly probes: { readonly from: number; to: number }[];
  readonly settings: { readonly ms: number; readonly text: string }[];
}

function lanesOf(entries: readonly TimelineEntry[]): readonly Lane[] {
  const lanes = new Map<number, Lane>();
  for (const { step, monoMs: ms, ...entry } of entries) {
    let lane = lanes.get(step);
    if (lane === undefined) lanes.set(step, (lane = { step, from: ms, to: ms, probes: [], settings: [] }));
    lane.to = Math.max(lane.to, ms);
    const going = lane.probes.at(-1);
    if (entry.event === 'probing' && entry.state === 'started') lane.probes.push({ from: ms, to: ms });
    else if (entry.event === 'probing' && going !== undefined) going.to = ms;
    else if (entry.event === 'changed')
      lane.settings.push({ ms, text: entry.commands.map((argv) => argv.map(quoteForShell).join(' ')).join('; ') });
  }
  return [...lanes.values()].sort((a, b) => a.step - b.step);
}

/** The picture of the timeline: this many steps, and its measures in px. */
const maxLanes = 40;
const picture = { width: 960, left: 250, right: 16, lane: 22, head: 24 } as const;
/** Distances of the marks on the scale, in ms; the least is taken that makes no more of them than this. */
const scales = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 120_000, 300_000, 600_000, 3_600_000];
const maxMarks = 9;

function scaleMarkup(ms: number, height: number, xOf: (ms: number) => number): readonly Markup[] {
  const distance = scales.find((each) => ms / each <= maxMarks) ?? ms / maxMarks;
  return Array.from({ length: Math.floor(ms / distance) + 1 }, (_, at) => {
    const x = xOf(at * distance);
    const text = `${Number(((at * distance) / 1000).toFixed(1))} s`;
    return html`<line class="group" x1="${x}" y1="${picture.head - 6}" x2="${x}" y2="${height}"/><text class="small" x="${x}" y="14" text-anchor="middle">${text}</text>`;
  });
}

function laneMarkup(
  lane: Lane,
  at: number,
  step: StepResult | undefined,
  leaks: readonly Line[],
  xOf: (ms: number) => number,
): Markup {
  const y = picture.head + at * picture.lane;
  const [left, right] = [xOf(lane.from), xOf(lane.to)];
  const isShown = step?.expected === 'broken';
  const probes = lane.probes.map(({ from, to }) => {
    const [begin, end] = [xOf(from), xOf(to)];
    return html`<rect class="sent" x="${begin}" y="${y + 4}" width="${Math.max(2, end - begin)}" height="${picture.lane - 9}"><title>${`probes of step ${lane.step + 1}: ${((to - from) / 1000).toFixed(2)} s`}</title></rect>`;
  });
  const settings = lane.settings.map(
    ({ ms, text }) =>
      html`<text class="small" x="${xOf(ms)}" y="${y + 14}" text-anchor="middle">▾<title>${text}</title></text>`,
  );
  // sightings of one moment are one mark
  const moments = new Map(leaks.map((leak) => [xOf(leak.ms), leak] as const));
  const marks = [...moments].map(
    ([x, { text }]) =>
      html`<text class="small ${isShown ? 'shown' : 'bad'}" x="${x}" y="${y + 14}" text-anchor="middle">${isShown ? '◆' : '✖'}<title>${text}</title></text>`,
  );
  const name = `${lane.step + 1}  ${step?.name ?? ''}`;
  const label = [...name].length > 38 ? `${[...name].slice(0, 37).join('')}…` : name;
  return html`<text class="small" x="8" y="${y + 14}">${label}</text><rect class="lane" x="${left}" y="${y + 2}" width="${Math.max(2, right - left)}" height="${picture.lane - 5}"/>${probes}${settings}${marks}`;
}

/** The steps of a run as bars on one scale of time; nothing where the run did not come to a step. */
function pictureMarkup(result: Result, details: RunDetails, leaks: readonly Line[]): Markup {
  const known = lanesOf(details.timeline);
  const lanes = known.slice(0, maxLanes);
  if (lanes.length === 0) return nothing;
  const ms = Math.max(1, ...lanes.map(({ to }) => to));
  const room = picture.width - picture.left - picture.right;
  const xOf = (at: number): number => Math.round(picture.left + (Math.min(ms, Math.max(0, at)) / ms) * room);
  const height = picture.head + lanes.length * picture.lane + 4;
  const bars = lanes.map((lane, at) =>
    laneMarkup(
      lane,
      at,
      result.steps[lane.step],
      leaks.filter(({ step }) => step === lane.step),
      xOf,
    ),
  );
  const more = known.length > lanes.length ? ` The first ${lanes.length} of ${known.length} steps.` : '';
  return html`<p>A bar for each step, dark while probes were sent; ▾ a setting, ✖ where a leak was first seen, ◆ one that was expected.${more}</p><div class="wide" tabindex="0" role="region" aria-label="Timeline as a picture"><svg class="net" viewBox="0 0 ${picture.width} ${height}" role="img" aria-label="When each step went on, when probes were sent and where leaks were first seen">${scaleMarkup(ms, height, xOf)}${bars}</svg></div>`;
}

/** What happened when: settings, controls, probes, sightings. */
export function timelineSection(result: Result, details: RunDetails | null): Markup {
  if (details === null) return nothing;
  const leaks = sightings(result, details);
  const lines = [...withoutBursts(details.timeline), ...leaks]
    .sort((a, b) => a.step - b.step || a.ms - b.ms)
    .slice(0, 3000);
  const rows = lines.map(
    (line) =>
      html`<tr><td class="n">${(line.ms / 1000).toFixed(3)}</td><td class="n">${line.step + 1}</td><td>${line.what}</td><td>${line.text}</td></tr>`,
  );
  return html`<section class="screen" aria-labelledby="timeline"><h2 id="timeline">What happened when</h2>${pictureMarkup(result, details, leaks)}<details><summary>${counted(lines.length, 'line')}, in seconds since the run began</summary><div class="wide" tabindex="0" role="region" aria-label="Timeline"><table><thead><tr><th scope="col" class="n">s</th><th scope="col" class="n">step</th><th scope="col">what</th><th scope="col">how</th></tr></thead><tbody>${rows}</tbody></table></div></details></section>`;
}
