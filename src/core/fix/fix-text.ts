import { changeCommands, setWords } from '../bridge/change-commands.js';
import type { Change, Fix } from '../model/fabric.js';
import { hostOf } from '../model/host-names.js';
import type { Plan } from '../model/plan.js';
import { word } from '../text/escape.js';

/** Argument vectors of a fix; consecutive attributes of a port are one command of bridge(8). */
export function fixCommands(changes: readonly Change[]): readonly (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  for (const [at, change] of changes.entries()) {
    if (change.kind !== 'set' || change.place !== 'port') {
      commands.push(...changeCommands(change, () => ''));
      continue;
    }
    const words = setWords(change).slice(2);
    const before = changes[at - 1];
    const isSameCommand = before?.kind === 'set' && before.place === 'port' && before.device === change.device;
    const begun = isSameCommand ? commands.pop() : undefined;
    commands.push([...(begun ?? ['bridge', 'link', 'set', 'dev', change.device]), ...words]);
  }
  return commands;
}

export function commandText(argv: readonly string[]): string {
  return argv.map(word).join(' ');
}

/** Commands joined by `&&`, with words. Empty = none. */
export function fixText(fix: Fix | null): string {
  if (fix === null) return '';
  const { changes, where, also = '' } = fix;
  const commands = fixCommands(changes).map(commandText).join(' && ');
  return `${where === undefined ? '' : `${where}: `}${commands}${also}`;
}

/** True if a fix is only commands. */
export function isExecutable({ changes, where, also }: Fix): boolean {
  return changes.length > 0 && where === undefined && also === undefined;
}

/** For another host by ssh(1), with its names. */
export function fixOnHost(fix: Fix, bridge: string, plan: Pick<Plan, 'hosts'>): Fix {
  const name = hostOf(bridge);
  if (name === null || fix.changes.length === 0) return fix;
  const commands = fixCommands(fix.changes).map((argv) => argv.map((each) => each.replaceAll(`${name}/`, '')));
  const target = plan.hosts?.find((host) => host.name === name)?.ssh ?? null;
  const sent = target === null ? commands : [['ssh', target, commands.map(commandText).join(' && ')]];
  return { ...fix, changes: sent.map((argv) => ({ kind: 'run', argv })) };
}
