import type { ProgressEvent, StepPhase } from '../../core/model/timeline.js';
import type { Result, StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { countText } from '../../core/text/names.js';
import { isUnacceptedLeak } from '../reported-leaks.js';
import { cut, makePaint, type Paint, type Tint, widthOf } from '../terminal/layout.js';
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
 * What stands before a stage. A leak shows as soon as it is seen; without it a step that was sent is neither good nor
 * bad until it is judged.
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
  /** Observers at which a leak was seen, in the order of the first frames; `isLeakExpected`: the step shows it. */
  readonly leakedAt: string[];
  isLeakExpected: boolean;
}

/** The view takes no more lines, its head and what is left out among them. */
const maxLines = 10;

/** What a step came to, as a mark. */
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

/** Before it is judged, a step's mark is what was seen of it. */
function shownMark({ mark, leakedAt, isLeakExpected }: Stage): Mark {
  if (leakedAt.length === 0 || (mark !== 'running' && mark !== 'sent')) return mark;
  return isLeakExpected ? 'shown' : 'leaked';
}

/** Names of as many observers as a line has room for. */
const maxNames = 3;

/** `kali2, kali3 overhear`, `84 overhear`; empty = no leak was seen. */
function overhearText({ leakedAt }: Stage): readonly string[] {
  if (leakedAt.length === 0) return [];
  const names = leakedAt.length > maxNames ? countText(leakedAt.length) : leakedAt.map(escapeText).join(', ');
  return [`${names} ${leakedAt.length === 1 ? 'overhears' : 'overhear'}`];
}

/** A title is cut to no less than this, so that how far a step is and how long it takes stand in the line. */
const leastTitle = 12;

function lineOf(stage: Stage, columns: number, paint: Paint): string {
  const { title, detail } = stage;
  const mark = shownMark(stage);
  const [sign, tint] = marks[mark];
  const state = [...overhearText(stage), ...(detail === '' ? [] : [detail])].join('; ');
  const room = columns - 5;
  const text =
    state === ''
      ? cut(title, room)
      : cut(`${cut(title, Math.max(leastTitle, room - widthOf(state) - 2))}: ${state}`, room);
  return `  ${paint(sign, tint)} ${mark === 'waiting' ? paint(text, 'dim') : text}`;
}

/** Stages that are not shown, by their marks: `✔ 12, · 3`. */
function leftOut(stages: readonly Stage[], where: string): readonly string[] {
  if (stages.length === 0) return [];
  const kinds = [...new Set(stages.map(shownMark))];
  const counts = kinds.map((kind) => {
    const count = countText(stages.filter((stage) => shownMark(stage) === kind).length);
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

/** What a step is at; of probes that go out, how many and how long still says it all. */
function detailOf(phase: StepPhase, detail: string): string {
  if (phase === 'done') return '';
  if (detail === '') return phase;
  return escapeText(phase === 'probing' ? detail : `${phase}, ${detail}`);
}

/** Of a step that was passed: it was sent, or it was left out. */
function sentOr(mark: Mark): Mark {
  return mark === 'running' ? 'sent' : 'not-run';
}

/** Stages of a run, redrawn as it goes on, and at the end the outcome of each step. */
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
  return { title, mark: 'waiting', detail: '', leakedAt: [], isLeakExpected: false };
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
  /** Lines on the screen; 0 = nothing was drawn. */
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
      case 'leak': {
        const step = this.steps[event.index];
        if (step === undefined) return;
        step.leakedAt.push(event.observer);
        step.isLeakExpected = event.isExpected;
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

  /** null = the run came to no result. */
  end(result: Result | null): void {
    if (this.drawn === 0) return;
    this.steps.forEach((step, at) => {
      const judged = result?.steps[at];
      step.detail = '';
      step.leakedAt.splice(0);
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

  /** A stage has begun: what came before it is over; what a step came to is known when it was judged. */
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
