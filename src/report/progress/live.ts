import type { ProgressEvent, StepPhase } from '../../core/model/timeline.js';
import type { Result, StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { countText } from '../../core/text/names.js';
import { isUnacceptedLeak } from '../reported-leaks.js';
import { cut, makePaint, type Paint, type Tint, widthOf } from '../terminal/layout.js';
import { stepWord } from '../word.js';

/** A view on stderr. Nothing waits for it. */
export interface Progress {
  readonly onProgress: (event: ProgressEvent) => void;
  /** null = no result. */
  readonly end: (result: Result | null) => Promise<void>;
}

/** A live view's terminal. */
export interface Screen {
  /** Holds back others' output until `close`. */
  readonly open: () => void;
  readonly write: (text: string) => void;
  readonly close: () => void;
  readonly columns: number;
  readonly color: boolean;
}

/** A sent step is undecided until judged. */
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

const maxLines = 10;

function markOf(step: StepResult): Mark {
  if (step.reasons.some(({ code }) => code === 'not-run')) return 'not-run';
  if (step.findings.some(isUnacceptedLeak) && step.expected !== 'broken') return 'leaked';
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

const leastTitle = 12;

function lineOf({ title, mark, detail }: Stage, columns: number, paint: Paint): string {
  const [sign, tint] = marks[mark];
  const room = columns - 5;
  const text =
    detail === ''
      ? cut(title, room)
      : cut(`${cut(title, Math.max(leastTitle, room - widthOf(detail) - 2))}: ${detail}`, room);
  return `  ${paint(sign, tint)} ${mark === 'waiting' ? paint(text, 'dim') : text}`;
}

function leftOut(stages: readonly Stage[], where: string): readonly string[] {
  if (stages.length === 0) return [];
  const kinds = [...new Set(stages.map(({ mark }) => mark))];
  const counts = kinds.map((kind) => {
    const count = countText(stages.filter((stage) => stage.mark === kind).length);
    return kind === 'waiting' ? `${count} to come` : `${marks[kind][0]} ${count}`;
  });
  return [`  … ${where}: ${counts.join(', ')}`];
}

function windowOf(stages: readonly Stage[], isOver: boolean, columns: number, paint: Paint): readonly string[] {
  const room = maxLines - 1;
  if (stages.length <= room) return stages.map((stage) => lineOf(stage, columns, paint));
  if (isOver) {
    const order: readonly Mark[] = ['leaked', 'unproven', 'shown', 'known', 'running'];
    const shown = order.flatMap((mark) => stages.filter((stage) => stage.mark === mark)).slice(0, room - 1);
    const others = stages.filter((stage) => !shown.includes(stage));
    return [
      ...shown.map((stage) => lineOf(stage, columns, paint)),
      ...leftOut(others, shown.length === 0 ? 'all of them' : 'the others'),
    ];
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

function detailOf(phase: StepPhase, detail: string): string {
  if (phase === 'done') return '';
  if (detail === '') return phase;
  return escapeText(phase === 'probing' ? detail : `${phase}, ${detail}`);
}

function sentOr(mark: Mark): Mark {
  return mark === 'running' ? 'sent' : 'not-run';
}

/** Redraws stages. */
export function liveProgress(title: string, stepNames: readonly string[], screen: Screen): Progress {
  const view = new LiveView(title, stepNames, screen);
  return {
    onProgress: (event) => view.take(event),
    end: (result) => {
      view.end(result);
      return Promise.resolve();
    },
  };
}

function waitingStage(title: string): Stage {
  return { title, mark: 'waiting', detail: '' };
}

class LiveView {
  private readonly title: string;
  private readonly screen: Screen;
  private readonly paint: Paint;
  private readonly building = waitingStage('build the topology');
  private readonly steps: readonly Stage[];
  private readonly collating = waitingStage('collate the captures');
  private readonly judging = waitingStage('judge');
  private readonly stages: readonly Stage[];
  private drawn = 0;
  private last = '';

  constructor(title: string, stepNames: readonly string[], screen: Screen) {
    this.title = escapeText(title);
    this.screen = screen;
    this.paint = makePaint(screen.color);
    this.steps = stepNames.map((name) => waitingStage(escapeText(name)));
    this.stages = [this.building, ...this.steps, this.collating, this.judging];
  }

  take(event: ProgressEvent): void {
    const { building, collating, judging } = this;
    switch (event.kind) {
      case 'phase':
        this.reach({ building, collating, judging }[event.name]);
        break;
      case 'step': {
        const step = this.steps[event.index];
        if (step === undefined) return;
        this.reach(step);
        if (event.phase === 'done') step.mark = 'sent';
        step.detail = detailOf(event.phase, event.detail);
        break;
      }
      case 'note': {
        const running = this.stages.find(({ mark }) => mark === 'running') ?? building;
        running.detail = escapeText(event.text);
        break;
      }
    }
    this.draw();
  }

  end(result: Result | null): void {
    if (this.drawn === 0) return;
    this.steps.forEach((step, at) => {
      const judged = result?.steps[at];
      step.detail = '';
      if (judged !== undefined) step.mark = markOf(judged);
      else if (step.mark === 'waiting') step.mark = 'not-run';
    });
    for (const stage of [this.building, this.collating, this.judging]) {
      stage.detail = '';
      stage.mark = result === null && stage.mark !== 'done' ? 'not-run' : 'done';
    }
    this.draw(true);
    this.screen.close();
  }

  private reach(current: Stage): void {
    for (const before of this.stages.slice(0, this.stages.indexOf(current))) {
      if (before.mark !== 'running' && before.mark !== 'waiting') continue;
      before.mark = this.steps.includes(before) ? sentOr(before.mark) : 'done';
      before.detail = '';
    }
    current.mark = 'running';
  }

  private draw(isOver = false): void {
    const { screen, drawn } = this;
    const lines = [this.title, ...windowOf(this.stages, isOver, screen.columns, this.paint)];
    const text = lines.map((line) => `${line}\n`).join('');
    if (text === this.last) return;
    if (drawn === 0) screen.open();
    screen.write(`${drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`}${text}`);
    this.drawn = lines.length;
    this.last = text;
  }
}
