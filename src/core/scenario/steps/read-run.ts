import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';

/** Options of `ip` and `tc` with a word (ip.c and tc.c of iproute2 6.15); both may be shortened. */
const optionsWithWord = ['netns', 'family', 'loops', 'rcvbuf', 'conf', 'color'];

/** Reads commands of `run` to argument vectors: text is split at white space, without a shell. */
export function readRun(
  faults: FaultList,
  raw: readonly (string | readonly string[])[],
  path: Path,
): readonly (readonly string[])[] {
  return raw.flatMap((command, index) => {
    const at = [...path, index];
    if (typeof command === 'string' && /["'`\\]/.test(command)) {
      faults.add(at, `${where(at)}: no shell reads this and quotes mean nothing, expected a list of arguments`);
      return [];
    }
    const argv = typeof command === 'string' ? command.split(/\s+/).filter((word) => word !== '') : command;
    const problem = refusal(argv);
    if (problem !== null) faults.add(at, `${where(at)}: ${problem}`);
    return problem === null ? [argv] : [];
  });
}

function behindOptions(words: readonly string[]): readonly string[] | null {
  let at = 0;
  for (; at < words.length && words[at]?.startsWith('-') === true; at += 1) {
    const option = words[at]?.replace(/^--?/, '') ?? '';
    if (option !== '' && 'batch'.startsWith(option)) return null;
    const takesWord = optionsWithWord.some((name) => name.startsWith(option) && name !== 'color');
    if (option === 'n' || (option.length > 1 && takesWord)) at += 1;
  }
  return words.slice(at);
}

function refusal(argv: readonly string[]): string | null {
  const [program, ...words] = argv;
  if (program === undefined || program === '') return 'expected a program and its arguments';
  if (argv.some((word) => word.includes('\0'))) return 'expected arguments without NUL';
  const base = program.slice(program.lastIndexOf('/') + 1);
  if (base !== 'ip' && base !== 'tc') return null;
  const rest = behindOptions(words);
  // A batch file could hold what is refused here.
  if (rest === null) return `${base} -batch hides its commands, expected them written out`;
  const [object = '', ...below] = rest;
  const starts = (word: string, full: string, least: number): boolean => word.length >= least && full.startsWith(word);
  const verb = below.find((word) => !word.startsWith('-')) ?? '';
  if (base === 'tc')
    return starts(object, 'exec', 1) ? 'tc exec starts other programs, expected the program itself' : null;
  const runs = (starts(object, 'netns', 3) || starts(object, 'vrf', 2)) && starts(verb, 'exec', 1);
  return runs
    ? `ip ${object} exec leaves the bridge's namespace or starts other programs, expected the program itself`
    : null;
}
