import type { Result } from '../../core/model/result.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import { counted, quoteForShell } from '../../core/text/escape.js';
import { cutText, someText } from '../../core/text/names.js';
import { type Block, type Section, sectionOf } from '../document.js';
import type { RunDetails } from '../reporter.js';
import { settingText } from '../setting-text.js';
import { type Difference, stateDifferences } from '../state-differences.js';

interface Line {
  readonly ms: number;
  readonly step: number;
  readonly what: string;
  readonly text: string;
}

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

function uniqueText(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}

function describe(entry: TimelineEntry): LineText | null {
  switch (entry.event) {
    case 'changed':
      return { what: 'setting', text: changedText(entry) };
    case 'learned':
      return { what: 'announcing', text: someText(entry.endpoints, 12) };
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

function timelineSection(result: Result, details: RunDetails): readonly Section[] {
  const lines = [...withoutBursts(details.timeline), ...sightings(result, details)]
    .sort((a, b) => a.step - b.step || a.ms - b.ms)
    .slice(0, 3000);
  const rows = lines.map(({ ms, step, what, text }) => [(ms / 1000).toFixed(3), what, String(step + 1), text]);
  return sectionOf({
    id: 'timeline',
    title: 'Events, in seconds since the run began',
    depth: 'screen',
    blocks: rows.length === 0 ? [] : [{ kind: 'table', columns: ['s', 'what', 'step', 'how'], rows }],
  });
}

const maxLines = 200;

function differenceLines({ place, before, after }: Difference): readonly string[] {
  const line = (sign: string, value: string | null): readonly string[] =>
    value === null ? [] : [`${sign} ${place} ${cutText(settingText(place, value), 300)}`];
  return [...line('−', before), ...line('+', after)];
}

function differenceBlocks(differences: readonly Difference[], title: string): readonly Block[] {
  const lines = differences.slice(0, maxLines).flatMap(differenceLines);
  const more = differences.length - maxLines;
  const text = lines.length === 0 ? 'nothing' : lines.join('\n');
  return [
    { kind: 'heading', text: title },
    { kind: 'code', text: more > 0 ? `${text}\n${more} more in the state files` : text },
  ];
}

function stateSection({ plan, states }: RunDetails): readonly Section[] {
  let last: RunDetails['states'][number]['after'] = null;
  const blocks = plan.steps.flatMap((_step, index) => {
    const { before = null, after = null } = states[index] ?? {};
    const parts: Block[] = [];
    if (before !== null && last !== null)
      parts.push(...differenceBlocks(stateDifferences(last, before), `Changed before the probes of step ${index + 1}`));
    if (before !== null && after !== null)
      parts.push(
        ...differenceBlocks(stateDifferences(before, after), `Changed during the probes of step ${index + 1}`),
      );
    last = after ?? before ?? last;
    return parts;
  });
  return sectionOf({ id: 'state', title: 'State before (−) and after (+), without timers', depth: 'screen', blocks });
}

/** Events and changes of state. */
export function courseSections(result: Result, details: RunDetails | null): readonly Section[] {
  return details === null ? [] : [...timelineSection(result, details), ...stateSection(details)];
}
