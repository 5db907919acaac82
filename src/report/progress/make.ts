import { escapeText } from '../../core/text/escape.js';
import { jsonText } from '../../core/text/json-text.js';
import type { Progress } from './live.js';

export type ProgressMode = 'none' | 'lines' | 'live' | 'json';

/** Lines with --verbose, in CI, or without a terminal. Else a live view. */
export function progressMode(options: {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly progress?: 'auto' | 'json' | undefined;
  readonly isTty: boolean;
  readonly env: NodeJS.ProcessEnv;
}): ProgressMode {
  if (options.quiet) return 'none';
  if (options.progress === 'json') return 'json';
  return options.isTty && !options.verbose && (options.env.CI ?? '') === '' && options.env.TERM !== 'dumb'
    ? 'live'
    : 'lines';
}

/** Step names show a live view's future stages. */
export async function makeProgress(
  mode: ProgressMode,
  title: string,
  stepNames: readonly string[],
  verbose: boolean,
): Promise<Progress> {
  switch (mode) {
    case 'none':
      return { onProgress: () => undefined, end: () => Promise.resolve() };
    case 'json':
      return {
        onProgress: (event) => void process.stderr.write(`${jsonText({ scenario: title, ...event })}\n`),
        end: () => Promise.resolve(),
      };
    case 'lines':
      return lineProgress(title, verbose);
    case 'live': {
      const [{ liveProgress }, { ProcessOutput }] = await Promise.all([import('./live.js'), import('listr2')]);
      // A list of listr2 carries its tasks out one by one; here the run does that, and the view only hears of it. So
      // what
      // is used is its output, which holds back what others write. It writes to stdout unless it has another stream:
      // stdout belongs to the result.
      const output = new ProcessOutput(process.stderr, process.stderr, { leaveEmptyLine: false });
      return liveProgress(title, stepNames, {
        open: () => output.hijack(),
        write: (text) => output.toStderr(text, false),
        close: () => output.release(),
        columns: process.stderr.columns || 80, // a terminal without a size says 0
        color: (process.env.NO_COLOR ?? '') === '',
      });
    }
  }
}

function lineProgress(title: string, verbose: boolean): Progress {
  const say = (text: string): void => void process.stderr.write(`${escapeText(`${title}: ${text}`)}\n`);
  let announced = -1;
  return {
    onProgress: (event) => {
      if (event.kind === 'phase') say(event.name);
      else if (event.kind === 'note') say(event.text);
      else if (verbose)
        say(
          `step ${event.index + 1} of ${event.of}, ${event.name}: ${event.phase}${event.detail === '' ? '' : `, ${event.detail}`}`,
        );
      else if (event.index !== announced) {
        announced = event.index;
        say(`step ${event.index + 1} of ${event.of}, ${event.name}`);
      }
    },
    end: () => Promise.resolve(),
  };
}
