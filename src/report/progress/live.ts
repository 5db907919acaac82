import { Listr, type ListrDefaultRendererLogLevels, ListrLogger, ProcessOutput } from 'listr2';
import type { ProgressEvent } from '../../core/model/progress.js';
import { escapeText } from '../../core/text/escape.js';

/** A view of a run while it goes on, on stderr. It never owns the run: nothing waits for it. */
export interface Progress {
  readonly onProgress: (event: ProgressEvent) => void;
  /** The run is over, well or not: the view ends and the terminal is as before. */
  readonly end: (ok: boolean) => Promise<void>;
}

/** For listr2, which writes to stdout unless told otherwise: stdout belongs to the result. */
function stderrLogger(): ListrLogger<ListrDefaultRendererLogLevels> {
  return new ListrLogger<ListrDefaultRendererLogLevels>({
    useIcons: false,
    toStderr: [],
    processOutput: new ProcessOutput(process.stderr, process.stderr),
  });
}

interface Stage {
  readonly title: string;
  readonly done: Promise<void>;
  finish: (ok: boolean) => void;
  say: (text: string) => void;
}

function stage(title: string): Stage {
  let settle: (ok: boolean) => void = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = (ok) => (ok ? resolve() : reject(new Error('stopped here')));
  });
  done.catch(() => undefined); // a stage that never came on is nobody's error
  return { title, done, finish: (ok) => settle(ok), say: () => undefined };
}

/** Stages of a run with what each is at, redrawn as it goes on. */
export function liveProgress(title: string, stepNames: readonly string[]): Progress {
  const building = stage('build the topology');
  const steps = stepNames.map((name) => stage(escapeText(name)));
  const collating = stage('collate the captures');
  const judging = stage('judge');
  const stages = [building, ...steps, collating, judging];
  const list = new Listr<unknown, 'default'>(
    stages.map((each) => ({
      title: each.title,
      task: async (_context, task) => {
        each.say = (text) => {
          task.output = text;
        };
        await each.done;
      },
    })),
    {
      exitOnError: true,
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: { logger: stderrLogger(), collapseErrors: false, showErrorMessage: false },
    },
  );
  let shown: Promise<unknown> | null = null;
  /**
   * The view begins with the first event: while it is drawn it holds back what others write, and before that somebody
   * may be asked whether to send.
   */
  const show = (): void => {
    if (shown !== null) return;
    process.stderr.write(`${escapeText(title)}\n`);
    shown = list.run().catch(() => undefined);
  };
  /** A stage has begun: all before it are over. */
  const reach = (current: Stage): void =>
    stages.slice(0, stages.indexOf(current)).forEach((before) => before.finish(true));
  return {
    onProgress: (event) => {
      show();
      switch (event.kind) {
        case 'phase':
          reach({ building, collating, judging }[event.name]);
          break;
        case 'step': {
          const current = steps[event.index];
          if (current === undefined) break;
          reach(current);
          if (event.phase === 'done') current.finish(true);
          else current.say(escapeText(event.detail === '' ? event.phase : `${event.phase}, ${event.detail}`));
          break;
        }
        case 'note':
          stages.forEach((each) => each.say(escapeText(event.text)));
          break;
      }
    },
    end: async (ok) => {
      stages.forEach((each) => each.finish(ok));
      await shown;
    },
  };
}
