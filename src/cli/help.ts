import { reporterNames } from '../report/reporters.js';

/** A command without a group comes last. */
export const helpGroups: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  { title: 'Try', names: ['demo', 'run', 'plan', 'init', 'schema'] },
  { title: 'Prove', names: ['replay', 'check', 'attest', 'audit', 'listen', 'watch', 'record', 'prove-fix'] },
  { title: 'Understand', names: ['report', 'explain', 'diff', 'export'] },
  { title: 'Maintenance', names: ['doctor', 'cleanup', 'completion'] },
];

/** yargs' help with commands in groups. */
export function groupHelp(help: string): string {
  const [before = '', rest = ''] = help.split(/^Commands:\n/m);
  const end = rest.search(/^\S/m);
  const list = end === -1 ? rest : rest.slice(0, end);
  const entries = list
    .split(/^(?= {2}\S)/m)
    .map((entry) => entry.trimEnd())
    .filter((entry) => entry !== '');
  const nameOf = (entry: string): string => /^ {2}\S+ (\S+)/.exec(entry)?.[1] ?? '';
  const taken = new Set<string>();
  const groups = helpGroups.flatMap(({ title, names }) => {
    const named = names.flatMap((name) => entries.filter((entry) => nameOf(entry) === name));
    named.forEach((entry) => taken.add(entry));
    return named.length === 0 ? [] : [`${title}:\n${named.join('\n')}`];
  });
  const others = entries.filter((entry) => !taken.has(entry));
  return `${before}${[...groups, ...(others.length === 0 ? [] : [`Other:\n${others.join('\n')}`])].join('\n\n')}\n\n${end === -1 ? '' : rest.slice(end)}`;
}

export const reporterHelp = `NAME or NAME=PATH, several times: ${reporterNames.join(', ')}`;
