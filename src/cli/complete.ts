import { formatNames } from './help.js';

/** By this option the script of `completion` asks, behind it the words of the line, the one under the cursor last. */
const asking = '--get-yargs-completions';

async function choicesFor(words: readonly string[]): Promise<readonly string[] | null> {
  if (words.at(-2) === '--reporter') return formatNames;
  if (words[0] !== 'explain' || words.length !== 2) return null;
  const { codes } = await import('./commands/scenario/explain.js');
  return codes;
}

/**
 * Words that complete a command line where the parser does not know them: codes behind `explain`, formats behind
 * `--reporter`. null = no shell asks, or the parser knows.
 */
export async function completedWords(argv: readonly string[]): Promise<readonly string[] | null> {
  if (argv[0] !== asking) return null;
  // The program's name comes first.
  const words = argv.slice(2);
  const choices = await choicesFor(words);
  return choices?.filter((word) => word.startsWith(words.at(-1) ?? '')) ?? null;
}
