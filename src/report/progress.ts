import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import type { ListrDefaultRendererLogLevels } from 'listr2';
import type { ProgressEvent } from '../model/progress.js';
import { escapeText } from './escape-text.js';

/** A view of a run while it goes on, on stderr. It never owns the run: nothing waits for it. */
export interface Progress {
  readonly onProgress: (event: ProgressEvent) => void;
  /** The run is over, well or not: the view ends and the terminal is as before. */
  readonly end: (ok: boolean) => Promise<void>;
}

export type ProgressMode = 'none' | 'lines' | 'live';

/** --quiet: nothing. --verbose, CI, or no terminal: one line after the other. Else a live view. */
export function progressMode(options: { readonly quiet: boolean; readonly verbose: boolean; readonly isTty: boolean; readonly env: NodeJS.ProcessEnv }): ProgressMode {
  if (options.quiet) return 'none';
  return options.isTty && !options.verbose && (options.env.CI ?? '') === '' && options.env.TERM !== 'dumb' ? 'live' : 'lines';
}

/** Steps are named by the scenario, so that the live view shows from the beginning what is to come. */
export function makeProgress(mode: ProgressMode, title: string, stepNames: readonly string[], verbose: boolean): Progress {
  switch (mode) {
    case 'none':
      return { onProgress: () => undefined, end: () => Promise.resolve() };
    case 'lines':
      return lineProgress(title, verbose);
    case 'live':
      return liveProgress(title, stepNames);
  }
}

function lineProgress(title: string, verbose: boolean): Progress {
  const say = (text: string): void => void process.stderr.write(`${escapeText(`${title}: ${text}`)}\n`);
  let announced = -1;
  return {
    onProgress: (event) => {
      if (event.kind === 'phase') say(event.name);
      else if (event.kind === 'note') say(event.text);
      else if (verbose) say(`step ${event.index + 1} of ${event.of}, ${event.name}: ${event.phase}${event.detail === '' ? '' : `, ${event.detail}`}`);
      else if (event.index !== announced) {
        announced = event.index;
        say(`step ${event.index + 1} of ${event.of}, ${event.name}`);
      }
    },
    end: () => Promise.resolve(),
  };
}

/** For listr2, which writes to stdout unless told otherwise: stdout belongs to the result. */
function stderrLogger(): ListrLogger<ListrDefaultRendererLogLevels> {
  return new ListrLogger<ListrDefaultRendererLogLevels>({ useIcons: false, toStderr: [], processOutput: new ProcessOutput(process.stderr, process.stderr) });
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

function liveProgress(title: string, stepNames: readonly string[]): Progress {
  const building = stage('build the topology');
  const steps = stepNames.map((name) => stage(escapeText(name)));
  const collating = stage('collate the captures');
  const judging = stage('judge');
  const stages = [building, ...steps, collating, judging];
  const list = new Listr<unknown, 'default'>(
    stages.map((each) => ({
      title: each.title,
      task: async (_context, task) => {
        each.say = (text) => { task.output = text; };
        await each.done;
      },
    })),
    { exitOnError: true, registerSignalListeners: false, renderer: 'default', rendererOptions: { logger: stderrLogger(), collapseErrors: false, showErrorMessage: false } },
  );
  process.stderr.write(`${escapeText(title)}\n`);
  const shown = list.run().catch(() => undefined);
  /** A stage has begun: all before it are over. */
  const reach = (current: Stage): void => stages.slice(0, stages.indexOf(current)).forEach((before) => before.finish(true));
  return {
    onProgress: (event) => {
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
