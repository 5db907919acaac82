const lab = "`init --lab` writes a lab scenario of this host's bridges";
const send = 'any program can send result.json of the folder, such as curl';

/** Commands, options of a command and forms of a report that are gone, with what serves instead. */
export const gone: readonly (readonly [words: string, instead: string])[] = [
  ['fleet', '`report DIR…` prints a line a run, and ends with the worst status'],
  ['push', send],
  ['history', '`report DIR…` prints a line a run, `diff` compares two'],
  ['prune', 'tmpfiles.d(5) with an age removes old folders, as in contrib/tmpfiles.d'],
  ['purge', '`export --snap headers` writes a capture without payload'],
  ['run --push', send],
  ['run --spool', send],
  ['run --twin', lab],
  ['run --what-if', lab],
  ['audit --prove', '`run` measures it on the wire'],
  ['* --picture', 'report.html has it'],
  ['* --format picture', 'report.html has it'],
  ['* --format nagios', 'the exit status says it'],
  ['* --format controls', 'docs/catalogue.md has the table finding → control'],
];

/** One line on the first of these words that is gone; null = none is. */
export function goneText(argv: readonly string[]): string | null {
  const [command = '', ...options] = argv.flatMap((word) => word.split('='));
  const given = ` ${options.join(' ').replaceAll('--reporter ', '--format ')} `;
  const found = gone.find(([words]) => {
    const [of = '', ...rest] = words.split(' ');
    return [command, '*'].includes(of) && (rest.length === 0 || given.includes(` ${rest.join(' ')} `));
  });
  return found === undefined ? null : `${found[0].split(' ').at(-1)} is gone: ${found[1]}`;
}
