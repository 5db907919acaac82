// Writes the man pages (section 1) of every command to a folder, dist/man by default: from the definitions that the
// command line itself is made of, the commands of README and docs as examples, and the table of exit statuses. Part of
// `npm run build`; needs dist.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(process.argv[2] ?? `${top}/dist/man`);
const { commands } = await import('../build/cli/commands.js');
const { helpGroups } = await import('../build/cli/help.js');
const { exitStatuses } = await import('../build/core/model/verify-error.js');
const { version, description } = JSON.parse(readFileSync(`${top}/package.json`, 'utf8'));
const pages = [
  'README.md',
  ...readdirSync(`${top}/docs`)
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => `docs/${file}`),
].map((file) => readFileSync(`${top}/${file}`, 'utf8'));

/** What a builder says of its options and positionals: every method of yargs that is not about these is ignored. */
function recorded(builder) {
  const options = [],
    positionals = [];
  const recorder = new Proxy(
    {},
    {
      get: (_, method) => (name, spec) => {
        if (method === 'option' || method === 'options') {
          for (const [key, one] of typeof name === 'string' ? [[name, spec]] : Object.entries(name))
            options.push({ name: key, ...one });
        } else if (method === 'positional') positionals.push({ name, ...spec });
        return recorder;
      },
    },
  );
  builder(recorder);
  return { options: options.filter(({ hidden }) => hidden !== true), positionals };
}

/** Every command as its definition says it to the parser. */
function definitions() {
  const found = [];
  const parser = new Proxy(
    {},
    {
      get:
        () =>
        ({ command, describe, builder }) => {
          found.push({ usage: command, name: command.split(' ')[0], describe, ...recorded(builder) });
          return parser;
        },
    },
  );
  for (const define of commands) define(parser, { version, setStatus: () => undefined });
  return found.filter(({ describe }) => describe !== false);
}

/**
 * groff_man(7): a backslash is an escape, a dot or an apostrophe at the beginning of a line a request, a plain hyphen a
 * typographic one.
 */
const text = (words) =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
const section = (title, lines) => (lines.length === 0 ? [] : [`.SH ${title}`, ...lines]);
const synopsis = (usage) =>
  text(usage)
    .replaceAll(/<(\S+?)(\.\.)?>/g, (_, word, more) => `\\fI${word}\\fR${more ? ' ...' : ''}`)
    .replaceAll(/\[(\S+?)(\.\.)?\]/g, (_, word, more) => `[\\fI${word}\\fR${more ? ' ...' : ''}]`);

function optionLines({ name, type, choices, array, describe = '' }) {
  const value =
    type === 'boolean' ? '' : choices ? ` ${choices.join('|')}` : ` ${type === 'number' ? 'NUMBER' : 'VALUE'}`;
  return [
    '.TP',
    `\\fB${text(`--${name}`)}\\fR${text(value)}`,
    text(`${describe}${array ? '; may be given several times' : ''}`),
  ];
}

/** The commands of README and docs, which their test runs, by their first word; each once. */
const examples = [
  ...new Set(
    pages.flatMap((page) => [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block]) => block.split('\n'))),
  ),
]
  .map((line) => /^(?:! )?(?:npx )?(verify-isolation (\S+).*)$/.exec(line))
  .filter((found) => found !== null)
  .map(([, line, command]) => ({ line, command }));
const statuses = exitStatuses.flatMap(({ status, long }) => ['.TP', `\\fB${status}\\fR`, text(long)]);

function page(name, whatis, parts) {
  return [
    `.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "verify\\-isolation ${version}" "User Commands"`,
    ...section('NAME', [`${text(name)} \\- ${text(whatis)}`]),
    ...parts,
    '',
  ].join('\n');
}

function commandPage({ name, usage, describe, options, positionals }, others) {
  return page(`verify-isolation-${name}`, describe, [
    ...section('SYNOPSIS', [
      `\\fBverify\\-isolation\\fR ${synopsis(usage)}${options.length === 0 ? '' : ' [\\fIoption\\fR ...]'}`,
    ]),
    ...section(
      'ARGUMENTS',
      positionals
        .filter((one) => one.describe)
        .flatMap((one) => ['.TP', `\\fI${text(one.name)}\\fR`, text(one.describe)]),
    ),
    ...section('OPTIONS', options.flatMap(optionLines)),
    ...section('EXIT STATUS', statuses),
    ...section(
      'EXAMPLES',
      examples
        .filter(({ command }) => command === name)
        .flatMap(({ line }) => ['.PP', '.nf', `    ${text(line)}`, '.fi']),
    ),
    ...section('SEE ALSO', [
      ['verify-isolation', ...others.filter((other) => other !== name).map((other) => `verify-isolation-${other}`)]
        .map((other) => `\\fB${text(other)}\\fR(1)`)
        .join(', '),
    ]),
  ]);
}

const all = definitions();
const grouped = helpGroups.map(({ title, names }) => ({
  title,
  list: names.flatMap((name) => all.filter((one) => one.name === name)),
}));
const rest = all.filter((one) => !grouped.some(({ list }) => list.includes(one)));
const known = [...grouped, { title: 'Other', list: rest }].filter(({ list }) => list.length > 0);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(
  `${folder}/verify-isolation.1`,
  page('verify-isolation', `${description[0].toLowerCase()}${description.slice(1)}`, [
    ...section('SYNOPSIS', ['\\fBverify\\-isolation\\fR \\fIcommand\\fR [\\fIargument\\fR ...] [\\fIoption\\fR ...]']),
    ...section(
      'COMMANDS',
      known.flatMap(({ title, list }) => [
        `.SS ${title}`,
        ...list.flatMap(({ name, describe }) => [
          '.TP',
          `\\fB${text(`verify-isolation-${name}`)}\\fR(1)`,
          text(describe),
        ]),
      ]),
    ),
    ...section('EXIT STATUS', statuses),
  ]),
);
for (const command of all) {
  const related = known.find(({ list }) => list.includes(command))?.list ?? [];
  writeFileSync(
    `${folder}/verify-isolation-${command.name}.1`,
    commandPage(
      command,
      related.map(({ name }) => name),
    ),
  );
}
