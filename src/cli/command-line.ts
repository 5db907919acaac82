import { basename } from 'node:path';
import yargs, { type Argv } from 'yargs';
import { sabotageFigures } from '../core/model/run-record.js';
import { VerifyError, usageError } from '../core/model/verify-error.js';
import { didYouMean } from '../core/scenario/yaml/nearest-word.js';
import { quote } from '../core/text/escape.js';
import { reporterNames } from '../report/reporters.js';
import { toolVersion } from '../system/process/package-path.js';
import { commands } from './commands.js';
import { goneText } from './gone.js';
import { groupHelp } from './help.js';
import { printError } from './print-error.js';
import { columnsOf } from './screen.js';

/** EX_USAGE of sysexits.h. */
const usageStatus = 64;

function campaignText({ cases, falseHolds }: typeof sabotageFigures): string {
  return `broken on purpose in ${cases} ways and more before its release (barriers and senses of its own): ${falseHolds} false HOLDS; docs/faults.md has what else was tried`;
}

function usage(message: string): VerifyError {
  return usageError(
    message,
    'verify-isolation --help lists the commands, verify-isolation COMMAND --help their options',
  );
}

const asking = '--get-yargs-completions';

async function choicesFor(words: readonly string[]): Promise<readonly string[] | null> {
  if (words.at(-2) === '--reporter') return reporterNames;
  const [command = '', ...rest] = words;
  if (rest.at(-1)?.startsWith('-') === true)
    return (await optionsOf(command)).map((name) => `--${name}`).filter((option) => !rest.includes(option));
  if (words[0] !== 'explain' || words.length !== 2) return null;
  const { codes } = await import('./commands/scenario/explain.js');
  return codes;
}

async function completedWords(argv: readonly string[]): Promise<readonly string[] | null> {
  if (argv[0] !== asking) return null;
  // The program's name comes first.
  const words = argv.slice(2);
  const choices = await choicesFor(words);
  return choices?.filter((word) => word.startsWith(words.at(-1) ?? '')) ?? null;
}

function makeParser(argv: readonly string[], version: string, setStatus: (status: number) => void) {
  const parser = yargs(argv)
    .scriptName('verify-isolation')
    .usage('$0 COMMAND: proves on the wire whether guests on a virtualization host are isolated from each other')
    .version(version)
    .help()
    .strict()
    .demandCommand(1, 'no command given')
    .recommendCommands()
    .exitProcess(false)
    .usageConfiguration({ 'hide-types': true })
    .wrap(Math.min(100, columnsOf(process.stdout)))
    .fail((message: string | null, error: unknown) => {
      // An option without its value comes as an error of the parser's own, a refused check as a text.
      throw error instanceof Error && error.name !== 'YError'
        ? error
        : usage(error instanceof Error ? error.message : (message ?? 'cannot understand the command line'));
    });
  for (const define of commands) define(parser, { version, setStatus });
  return parser.completion(
    'completion',
    'print a script that completes this command line, for bash or, by SHELL, for zsh or fish',
  );
}

/** fish-completions(1). */
const fishScript = `complete -c verify-isolation -a '(verify-isolation ${asking} (commandline -opc) (commandline -ct))'
`;

async function optionsOf(command: string): Promise<readonly string[]> {
  let help = '';
  await makeParser([], '', () => undefined).parseAsync([command, '--help', '--all'], {}, (_error, _args, output) => {
    help = output;
  });
  return [...help.matchAll(/^ {2,8}--([a-z-]+)/gm)].map(([, name]) => name ?? '');
}

async function explained(error: unknown, argv: readonly string[]): Promise<unknown> {
  const [command = ''] = argv;
  if (!(error instanceof VerifyError)) return error;
  const isUnknown = /^(?:Unknown|Did you mean|Invalid values|--reporter: )/.test(error.message);
  const instead = isUnknown ? goneText(argv) : null;
  if (instead !== null) return usageError(instead, '');
  const [, near] = /^Did you mean (.*)\?$/.exec(error.message) ?? [];
  if (near !== undefined) {
    const mistyped = argv.find((word) => !word.startsWith('-')) ?? '';
    return usage(`unknown command ${mistyped}; did you mean ${quote(near)}?`);
  }
  const [, stray = ''] = /^Unknown arguments?: ([\w-]+)(?:,|$)/.exec(error.message) ?? [];
  if (argv.some((word) => word === `--${stray}` || word.startsWith(`--${stray}=`)))
    return usage(
      `unknown option --${stray}${didYouMean(
        `--${stray}`,
        (await optionsOf(command)).map((name) => `--${name}`),
      )}`,
    );
  const [, option, given, choices] = /Argument: ([\w-]+), Given: "(.*?)", Choices: (.*)/.exec(error.message) ?? [];
  if (option === undefined || given === undefined || choices === undefined) return error;
  const known = [...choices.matchAll(/"([^"]*)"/g)].map(([, choice]) => choice ?? '');
  return usage(`--${option} ${quote(given)}: expected one of ${known.join(', ')}${didYouMean(given, known)}`);
}

async function parse(parser: Argv, argv: readonly string[]): Promise<void> {
  try {
    await parser.parseAsync();
  } catch (error) {
    throw await explained(error, argv);
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const version = toolVersion();
  let status = 0;
  const parser = makeParser(argv, version, (value) => {
    status = value;
  });
  const completed = await completedWords(argv);
  if (completed !== null) {
    process.stdout.write(completed.map((word) => `${word}\n`).join(''));
    return 0;
  }
  if (argv.length === 1 && argv[0] === 'completion' && basename(process.env['SHELL'] ?? '') === 'fish') {
    process.stdout.write(fishScript);
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
  else await parse(parser, argv);
  return status;
}

/** Executes a command line without the program's name. Gives the exit status and prints errors on stderr. */
export function commandLine(argv: readonly string[]): Promise<number> {
  return main(argv).catch((error: unknown) => printError(error, argv[0] === 'run'));
}
