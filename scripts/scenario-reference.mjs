// Prints docs/scenario.md, the reference of scenario files, from schema/scenario.v1.json; `npm run schema` writes both.
// A key without a description ends it with status 65 (EX_DATAERR) and the key's name: what editors show and what this
// page says are the same words.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wrapMarkdown } from './wrap-markdown.mjs';

const { attributesOf } = await import('../build/core/bridge/attributes.js');

const schema = JSON.parse(
  readFileSync(process.argv[2] ?? fileURLToPath(new URL('../schema/scenario.v1.json', import.meta.url)), 'utf8'),
);
const { definitions } = schema;

const nameOf = (node) => /^#\/definitions\/(.+)$/.exec(node.$ref ?? '')?.[1];
const isNamed = (name) => name !== undefined && !name.startsWith('__schema');
const isMap = (node) => node.properties !== undefined;

/** The node itself where it is written elsewhere, or stands in a list of one. */
function resolved(node) {
  const name = nameOf(node);
  if (name !== undefined) return resolved(definitions[name]);
  return node.allOf?.length === 1 && !isMap(node) ? resolved(node.allOf[0]) : node;
}

/** The name that the schema gives to a value, through references that add nothing but a description. */
function named(node) {
  const name = nameOf(node);
  if (isNamed(name)) return name;
  if (name !== undefined) return named(definitions[name]);
  return node.allOf?.length === 1 && !isMap(node) ? named(node.allOf[0]) : undefined;
}

const link = (name) => `[${name}](#${name})`;
const code = (value) => `\`${value}\``;

/** What may stand there, in words with links to the maps and values of this page. */
function valueOf(node) {
  const name = named(node);
  if (name !== undefined) return link(name);
  const one = resolved(node);
  if (one.const !== undefined) return code(one.const);
  // The catalogue lists them with what each sends.
  if (one.enum?.includes('known-unicast')) return '[a class](catalogue.md#classes)';
  if (one.enum !== undefined) return one.enum.map(code).join(', ');
  const choices = (one.anyOf ?? one.oneOf)?.filter((each) => nameOf(each) !== 'variable');
  if (choices !== undefined) {
    const lists = choices
      .filter((each) => resolved(each).type === 'array')
      .map((each) => valueOf(resolved(each).items));
    const singles = choices.filter((each) => resolved(each).type !== 'array').map(valueOf);
    // One of a kind, or a list of them: said once.
    return [
      ...new Set([
        ...singles.map((each) => (lists.includes(each) ? `${each}…` : each)),
        ...lists.filter((each) => !singles.includes(each)).map((each) => `[${each}]`),
      ]),
    ].join('; ');
  }
  switch (one.type) {
    case 'integer':
    case 'number':
      return one.minimum === undefined || one.maximum === undefined
        ? 'a number'
        : `${grouped(one.minimum)}–${grouped(one.maximum)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return code('true') + ', ' + code('false');
    case 'null':
      return 'nothing';
    case 'array':
      return `[${valueOf(one.items)}]`;
    case 'object':
      return one.additionalProperties === undefined || one.additionalProperties === false
        ? 'a map'
        : `name → ${valueOf(one.additionalProperties)}`;
    default:
      return 'anything';
  }
}

const grouped = (number) => (number < 10_000 ? String(number) : String(number).replace(/\B(?=(\d{3})+$)/g, ','));

function descriptionOf(node) {
  if (node.description !== undefined) return node.description;
  const name = nameOf(node);
  if (name !== undefined && !isNamed(name)) return descriptionOf(definitions[name]);
  return node.allOf?.length === 1 ? descriptionOf(node.allOf[0]) : undefined;
}

const missing = [];

/** Of a setting, whose value may be written in several ways: the kind that its description ends with. */
const kindOfSetting = / \((time|switch|number|mask|text)\)$/;

/** Settings that have no part in who gets which frame: the schema and ip-link(8) explain them, this page names them. */
const namedOnly = new Set(
  Object.values(attributesOf).flatMap((attributes) =>
    attributes.flatMap(({ key, decides }) => (decides === undefined ? [key] : [])),
  ),
);

/** These settings of a map in one line, by kind. */
function namedIn(entries) {
  const kinds = Object.entries({ time: 'times', switch: 'switches', number: 'numbers', mask: 'masks', text: 'texts' })
    .map(([kind, words]) => [words, entries.filter(([, value]) => descriptionOf(value).endsWith(` (${kind})`))])
    .flatMap(([words, list]) => (list.length === 0 ? [] : [`${words} ${list.map(([key]) => code(key)).join(', ')}`]));
  return kinds.length === 0
    ? []
    : [`- Others, as in [ip-link(8)](https://man7.org/linux/man-pages/man8/ip-link.8.html): ${kinds.join('; ')}`];
}

/** Where a key was described first: its line, and the section. */
const described = new Map();

/**
 * A list of the keys of a map. `known`: keys that another section has. A key that an earlier section describes with
 * the same words is named with that section only.
 */
function keysOf(node, section, known) {
  const entries = Object.entries(node.properties).filter(([key]) => !known.includes(key));
  const same = new Map(
    entries.flatMap(([key, value]) => {
      const other = /^The same as ([a-z0-9_]+)\.$/.exec(descriptionOf(value) ?? '')?.[1];
      return other === undefined ? [] : [[key, other]];
    }),
  );
  const isNamedOnly = ([key, value]) => namedOnly.has(key) && kindOfSetting.test(descriptionOf(value) ?? '');
  const again = new Map();
  const lines = entries
    .filter((entry) => !same.has(entry[0]) && !isNamedOnly(entry))
    .flatMap(([key, value]) => {
      const description = descriptionOf(value);
      if (description === undefined) missing.push(`${section}.${key}`);
      const words = [key, ...[...same].filter(([, other]) => other === key).map(([word]) => word)].map(code).join(', ');
      const kind = kindOfSetting.exec(description ?? '')?.[1];
      const what = kind === undefined ? valueOf(value) : Object.hasOwn(definitions, kind) ? link(kind) : kind;
      const required = `${words}${node.required?.includes(key) ? '\\*' : ''}`;
      const kindText = what === link('switch') ? '' : ` (${what})`;
      const text = (description ?? '').replace(kindOfSetting, '').replace(/ Default: off\.$/, '');
      const line = `- ${required}${kindText}: ${text}`;
      const earlier = described.get(line);
      if (earlier === undefined) {
        described.set(line, section);
        return [line];
      }
      again.set(earlier, [...(again.get(earlier) ?? []), required]);
      return [];
    });
  return [
    ...lines,
    ...namedIn(entries.filter(isNamedOnly)),
    ...[...again].map(
      ([earlier, words]) =>
        `- ${words.join(', ')}: as in ${earlier === 'the file' ? '[the whole file](#the-whole-file)' : link(earlier)}`,
    ),
  ];
}

/** Every named map below a node, in the order in which a reader meets it. */
function mapsBelow(node, found = new Map()) {
  const name = named(node);
  const one = resolved(node);
  if (name !== undefined && isMap(one)) {
    if (found.has(name)) return found;
    found.set(name, one);
  } else if (isMap(one) && one !== schema)
    missing.push(`a map without a name: ${Object.keys(one.properties).join(', ')}`);
  for (const below of [
    ...Object.values(one.properties ?? {}),
    ...(one.anyOf ?? []),
    ...(one.oneOf ?? []),
    ...[one.items, one.additionalProperties].filter((each) => typeof each === 'object'),
  ])
    mapsBelow(below, found);
  return found;
}

const maps = mapsBelow(schema);
const values = Object.entries(definitions).filter(
  ([name, node]) => isNamed(name) && name !== 'variable' && !isMap(resolved(node)),
);

const whole = keysOf(schema, 'the file', []);
const sections = [...maps].flatMap(([name, node]) => {
  // A map that has all of another's keys, with values of the same kinds, and some more: those alone.
  const base = [...maps].find(
    ([other, { properties }]) =>
      other !== name &&
      Object.keys(properties).length < Object.keys(node.properties).length &&
      Object.keys(properties).length > 1 &&
      Object.keys(properties).every(
        (key) => Object.hasOwn(node.properties, key) && valueOf(properties[key]) === valueOf(node.properties[key]),
      ),
  )?.[0];
  const intro = [node.$comment, ...(base === undefined ? [] : [`It has the keys of ${link(base)}, and these:`])]
    .filter((each) => each !== undefined)
    .join(' ');
  return [
    `## ${name}`,
    '',
    ...(intro === '' ? [] : [intro, '']),
    ...keysOf(node, name, base === undefined ? [] : Object.keys(maps.get(base).properties)),
    '',
  ];
});

const text = [
  '# The scenario file',
  '',
  '<!-- Written by `npm run schema` from schema/scenario.v1.json: change the words in src/core/scenario/schema. -->',
  '',
  'Copy [one that is shipped](../scenarios), or let `verify-isolation init` write one of your host. `verify-isolation plan FILE` says what a file would do and what is wrong with it.',
  '',
  '[The tutorial](tutorial.md) explains a short one, [catalogue.md](catalogue.md) has the classes, [verdicts.md](verdicts.md) what a verdict takes.',
  '',
  'A scenario is one document of YAML 1.2, at most 1 MiB. An unknown key is a fault, as is a file that sends and listens to nothing, or a step that nothing could break.',
  '',
  'A run has at most 8,388,608 flows (pairs × carriers × tag stacks), 66,060,288 frames and 1,048,576 controls; else it ends with 64 (`plan-too-large`).',
  '',
  'Editors with a YAML language server check a file that begins so (`verify-isolation schema` prints the schema):',
  '',
  '```yaml',
  '# yaml-language-server: $schema=../node_modules/verify-isolation/schema/scenario.v1.json',
  '```',
  '',
  'Keys marked \\* are required. A key without a value in parentheses is a [switch](#switch), off unless it says otherwise. `[…]` is a list, `…` one or a list. "Lab:" and "Host:" say which provider has the key or default. Wherever a value is more than any text, `"${name}"` may stand for a variable ([ci.md](ci.md)).',
  '',
  '## The whole file',
  '',
  ...whole,
  '',
  ...sections,
  '## Values',
  '',
  ...values.map(([name, node]) => {
    if (node.$comment === undefined) missing.push(`value ${name}`);
    return `- <a id="${name}"></a>${name}: ${node.$comment ?? ''}`;
  }),
  '',
].join('\n');

if (missing.length > 0) {
  console.error(
    `Keys of the scenario file that nobody has described (add .describe('…') or .meta({ id: '…' }) in src/core/scenario/schema):\n${missing.map((each) => `  ${each}`).join('\n')}`,
  );
  process.exit(65);
}
process.stdout.write(wrapMarkdown(text));
