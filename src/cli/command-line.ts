import yargs from 'yargs';
import { sabotageFigures } from '../core/model/run-record.js';
import { VerifyError } from '../core/model/verify-error.js';
import { reporterNames } from '../report/reporters.js';
import { toolVersion } from '../system/process/package-path.js';
import { commands } from './commands.js';
import { groupHelp } from './help.js';
import { printError } from './print-error.js';

/** EX_USAGE of sysexits.h. */
const usageStatus = 64;

/** What was done to this version before its release, to see whether it can fail. */
function campaignText({ cases, falseHolds }: typeof sabotageFigures): string {
  return `broken on purpose in ${cases} ways and more before its release (barriers and senses of its own): ${falseHolds} false HOLDS; docs/faults.md has what else was tried`;
}

/** A command line that cannot be understood. */
function usage(message: string): VerifyError {
  return new VerifyError(
    'usage',
    usageStatus,
    message,
    'verify-isolation --help lists the commands, verify-isolation COMMAND --help their options',
  );
}

/** By this option the script of `completion` asks, behind it the words of the line, the one under the cursor last. */
const asking = '--get-yargs-completions';

async function choicesFor(words: readonly string[]): Promise<readonly string[] | null> {
  if (words.at(-2) === '--reporter') return reporterNames;
  if (words[0] !== 'explain' || words.length !== 2) return null;
  const { codes } = await import('./commands/scenario/explain.js');
  return codes;
}

/**
 * Words that complete a command line where the parser does not know them: codes behind `explain`, formats behind
 * `--reporter`. null = no shell asks, or the parser knows.
 */
async function completedWords(argv: readonly string[]): Promise<readonly string[] | null> {
  if (argv[0] !== asking) return null;
  // The program's name comes first.
  const words = argv.slice(2);
  const choices = await choicesFor(words);
  return choices?.filter((word) => word.startsWith(words.at(-1) ?? '')) ?? null;
}

async function main(argv: readonly string[]): Promise<number> {
  const version = toolVersion();
  let status = 0;
  const parser = yargs(argv)
    .scriptName('verify-isolation')
    .usage('$0 COMMAND: proves on the wire whether guests on a virtualization host are isolated from each other')
    .version(version)
    .help()
    .strict()
    .demandCommand(1, 'no command given')
    .recommendCommands()
    .exitProcess(false)
    .wrap(Math.min(100, process.stderr.columns ?? 80))
    .fail((message: string | null, error: Error | undefined) => {
      // an option without its value comes as an error of the parser's own
      throw error === undefined || error.name === 'YError'
        ? usage(error?.message ?? message ?? 'the command line is not understood')
        : error;
    });
  for (const define of commands)
    define(parser, {
      version,
      setStatus: (value) => {
        status = value;
      },
    });
  parser.completion('completion', 'print a script that completes this command line, for bash or (SHELL=zsh) zsh');
  const completed = await completedWords(argv);
  if (completed !== null) {
    process.stdout.write(completed.map((word) => `${word}\n`).join(''));
    return 0;
  }
  if (argv.length === 2 && argv.includes('--version') && argv.includes('--verbose')) {
    process.stdout.write(`${version}\n${campaignText(sabotageFigures)}\n`);
    return 0;
  }
  if (argv.length === 0) {
    // Help is what was asked for; the status is an error's all the same, so that a pipeline whose command is empty
    // fails.
    process.stdout.write(`${groupHelp(await parser.getHelp())}\n`);
    return usageStatus;
  }
  if (argv.length === 1 && (argv[0] === '--help' || argv[0] === 'help'))
    process.stdout.write(`${groupHelp(await parser.getHelp())}\n`);
  else await parser.parseAsync();
  return status;
}

/**
 * Carries out a command line, the words behind the program's name; returns the exit status. What goes wrong is passed
 * on stderr.
 */
export function commandLine(argv: readonly string[]): Promise<number> {
  return main(argv).catch((error: unknown) => printError(error, argv[0] === 'run'));
}
