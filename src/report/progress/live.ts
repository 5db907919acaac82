import type { ProgressEvent } from '../../core/model/progress.js';
import type { Result, StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { countText } from '../answer/participants.js';
import { cut, makePaint, type Paint, type Tint } from '../terminal/layout.js';
import { stepWord } from '../word.js';

/** A view of a run while it goes on, on stderr. It never owns the run: nothing waits for it. */
export interface Progress {
  readonly onProgress: (event: ProgressEvent) => void;
  /** The run is over; null = it came to no result. The view ends and the terminal is as before. */
  readonly end: (result: Result | null) => Promise<void>;
}

/** Where a live view is drawn. */
export interface Screen {
  /** The view is about to be drawn: what others write is held back until `close`, so that it is not drawn over. */
  readonly open: () => void;
  readonly write: (text: string) => void;
  readonly close: () => void;
  readonly columns: number;
  readonly color: boolean;
}

/**
 * What stands before a stage. A step that was sent is not judged yet: it is neither good nor bad until the capture was
 * read.
 */
const marks = {
  waiting: [' ', 'dim'],
  running: ['›', 'cyan'],
  sent: ['·', 'dim'],
  done: ['✔', 'green'],
  leaked: ['✖', 'red'],
  shown: ['◆', 'cyan'],
  unproven: ['?', 'yellow'],
  known: ['≡', 'yellow'],
  'not-judged': ['–', 'dim'],
  'not-run': ['↓', 'dim'],
} as const satisfies Readonly<Record<string, readonly [string, Tint]>>;
type Mark = keyof typeof marks;

interface Stage {
  readonly title: string;
  mark: Mark;
  detail: string;
}

/** The view takes no more lines, its head and what is left out among them. */
const maxLines = 10;

/** What a step came to, as a mark. */
export function markOf(step: StepResult): Mark {
  if (step.reasons.some(({ code }) => code === 'not-run')) return 'not-run';
  if (step.findings.some(({ leak, accepted }) => leak && accepted === undefined) && step.expected !== 'broken')
    return 'leaked';
  switch (stepWord(step).text) {
    case 'HOLDS':
      return step.asExpected ? 'done' : 'unproven';
    case 'BROKEN':
      return 'leaked';
    case 'REPRODUCED':
      return 'shown';
    case 'KNOWN':
      return 'known';
    case 'INCONCLUSIVE':
      return 'unproven';
    default:
      return 'not-judged';
  }
}

function lineOf({ title, mark, detail }: Stage, columns: number, paint: Paint): string {
  const [sign, tint] = marks[mark];
  const text = cut(detail === '' ? title : `${title}: ${detail}`, columns - 5);
  return `  ${paint(sign, tint)} ${mark === 'waiting' ? paint(text, 'dim') : text}`;
}

/** Stages that are not shown, by their marks: `✔ 12, · 3`. */
function leftOut(stages: readonly Stage[], where: string): readonly string[] {
  if (stages.length === 0) return [];
  const kinds = [...new Set(stages.map(({ mark }) => mark))];
  const counts = kinds.map((kind) => {
    const count = countText(stages.filter(({ mark }) => mark === kind).length);
    return kind === 'waiting' ? `${count} to come` : `${marks[kind][0]} ${count}`;
  });
  return [`  … ${where}: ${counts.join(', ')}`];
}

/** The stages around the one that is running; at the end what leaked first. */
function windowOf(stages: readonly Stage[], isOver: boolean, columns: number, paint: Paint): readonly string[] {
  const room = maxLines - 1;
  if (stages.length <= room) return stages.map((stage) => lineOf(stage, columns, paint));
  if (isOver) {
    const order: readonly Mark[] = ['leaked', 'unproven', 'shown', 'known', 'running'];
    const shown = order.flatMap((mark) => stages.filter((stage) => stage.mark === mark)).slice(0, room - 1);
    const others = stages.filter((stage) => !shown.includes(stage));
    return [...shown.map((stage) => lineOf(stage, columns, paint)), ...leftOut(others, 'the others')];
  }
  const current = Math.max(
    0,
    stages.findLastIndex(({ mark }) => mark !== 'waiting'),
  );
  const first = Math.min(Math.max(0, current - 2), stages.length - (room - 2));
  return [
    ...leftOut(stages.slice(0, first), 'before'),
    ...stages.slice(first, first + room - 2).map((stage) => lineOf(stage, columns, paint)),
    ...leftOut(stages.slice(first + room - 2), 'after'),
  ];
}

/** Of a step that was passed: it was sent, or it was left out. */
function sentOr(mark: Mark): Mark {
  return mark === 'running' ? 'sent' : 'not-run';
}

/** Stages of a run with what each is at, redrawn as it goes on, and at the end what each step came to. */
export function liveProgress(title: string, stepNames: readonly string[], screen: Screen): Progress {
  const paint = makePaint(screen.color);
  const stage = (name: string): Stage => ({ title: name, mark: 'waiting', detail: '' });
  const building = stage('build the topology');
  const steps = stepNames.map((name) => stage(escapeText(name)));
  const [collating, judging] = [stage('collate the captures'), stage('judge')];
  const stages = [building, ...steps, collating, judging];
  let drawn = 0;
  let last = '';
  const draw = (isOver = false): void => {
    const lines = [escapeText(title), ...windowOf(stages, isOver, screen.columns, paint)];
    const text = lines.map((line) => `${line}\n`).join('');
    if (text === last) return;
    if (drawn === 0) screen.open();
    screen.write(`${drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`}${text}`);
    [drawn, last] = [lines.length, text];
  };
  /** A stage has begun: what came before it is over; what a step came to is known when it was judged. */
  const reach = (current: Stage): void => {
    for (const before of stages.slice(0, stages.indexOf(current))) {
      if (before.mark !== 'running' && before.mark !== 'waiting') continue;
      before.mark = steps.includes(before) ? sentOr(before.mark) : 'done';
      before.detail = '';
    }
    current.mark = 'running';
  };
  return {
    onProgress: (event) => {
      switch (event.kind) {
        case 'phase':
          reach({ building, collating, judging }[event.name]);
          break;
        case 'step': {
          const current = steps[event.index];
          if (current === undefined) return;
          reach(current);
          if (event.phase === 'done') current.mark = 'sent';
          current.detail =
            event.phase === 'done'
              ? ''
              : escapeText(event.detail === '' ? event.phase : `${event.phase}, ${event.detail}`);
          break;
        }
        case 'note': {
          const running = stages.find(({ mark }) => mark === 'running') ?? building;
          running.detail = escapeText(event.text);
          break;
        }
      }
      draw();
    },
    end: (result) => {
      if (drawn === 0) return Promise.resolve();
      steps.forEach((step, at) => {
        const judged = result?.steps[at];
        step.detail = '';
        if (judged !== undefined) step.mark = markOf(judged);
        else if (step.mark === 'waiting') step.mark = 'not-run';
      });
      for (const other of [building, collating, judging]) {
        other.detail = '';
        other.mark = result === null && other.mark !== 'done' ? 'not-run' : 'done';
      }
      draw(true);
      screen.close();
      return Promise.resolve();
    },
  };
}
