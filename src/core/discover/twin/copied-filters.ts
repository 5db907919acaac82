import type { HostState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsWithin, textOf } from '../../text/json-text.js';
import { wordsOfU32 } from '../../bridge/bypass/rule-selectors.js';
import { tcFilters } from '../../bridge/rules.js';

/** Commands that make tc filters of ports again, and those that cannot be made. */
export interface CopiedFilters {
  readonly commands: readonly (readonly string[])[];
  readonly names: readonly string[];
  readonly missing: readonly string[];
}

function actionWords(action: Fields, devices: ReadonlySet<string>): readonly string[] | null {
  if (action['kind'] === 'gact') {
    const verdict = textOf(fieldsOf(action['control_action'])?.['type']);
    return verdict === 'drop' || verdict === 'pass' ? ['action', verdict] : null;
  }
  const [act, way, to] = [textOf(action['mirred_action']), textOf(action['direction']), textOf(action['to_dev'])];
  if (
    action['kind'] !== 'mirred' ||
    (act !== 'mirror' && act !== 'redirect') ||
    (way !== 'egress' && way !== 'ingress') ||
    to === null ||
    !devices.has(to)
  )
    return null;
  return ['action', 'mirred', way, act, 'dev', to];
}

/** matchall, or u32 without tables. */
function matchOf(kind: string | null, options: Fields): readonly string[] | null {
  if (kind === 'matchall') return ['matchall'];
  const words = kind === 'u32' ? wordsOfU32(options) : null;
  const hex = (value: number): string => `0x${value.toString(16)}`;
  return (
    words && [
      'u32',
      ...words.flatMap(({ at, value, mask }) => ['match', 'u32', hex(value), hex(mask), 'at', String(at)]),
    ]
  );
}

function headWords(filter: Fields): readonly string[] {
  return ['protocol', textOf(filter['protocol']) ?? 'all', 'prio', String(filter['pref'] ?? 1)];
}

/** `, to DEVICE`. */
function targetsText(options: Fields): string {
  return [...objectsWithin(options)]
    .map(({ to_dev: to }) => textOf(to))
    .filter((to) => to !== null)
    .map((to) => `, to ${to}`)
    .join('');
}

/**
 * Filters that mirror, redirect, drop or pass, if their devices are in the twin; others, such as a mirror to a device
 * outside, are named.
 */
export function copiedFilters(state: HostState, devices: ReadonlySet<string>): CopiedFilters {
  const commands: (readonly string[])[] = [];
  const [names, missing]: [string[], string[]] = [[], []];
  const prepared = new Set<string>();
  for (const { name, device, place, key, kind, fields, options, actions: made, isRule } of tcFilters(state)) {
    if (!devices.has(device) || !isRule) continue;
    const match = matchOf(kind, options);
    const actions = made.map((action) => actionWords(action, devices));
    const isPlaced = ['ingress', 'egress'].includes(place);
    if (match === null || !isPlaced || actions.length === 0 || actions.includes(null)) {
      missing.push(`the tc filter ${kind ?? ''} at ${key}${targetsText(options)}`);
      continue;
    }
    if (!prepared.has(device)) commands.push(['tc', 'qdisc', 'add', 'dev', device, 'clsact']);
    prepared.add(device);
    const words = [...match, ...actions.flatMap((action) => action ?? [])];
    names.push(name);
    commands.push(['tc', 'filter', 'add', 'dev', device, place, ...headWords(fields), ...words]);
  }
  return { commands, names, missing };
}
