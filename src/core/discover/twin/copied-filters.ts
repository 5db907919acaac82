import type { HostState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsWithin, textOf } from '../../text/json-text.js';
import { tcFilters } from '../../bridge/rules.js';

/** Commands of tc that make the filters of a bridge's ports again, and what they cannot. */
export interface CopiedFilters {
  readonly commands: readonly (readonly string[])[];
  readonly missing: readonly string[];
}

/** The words of an action; null where it is of a kind that is not copied. */
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

/** Does the filter take every frame: matchall, or u32 with an empty mask? */
function matchOf(kind: string | null, options: Fields): readonly string[] | null {
  if (kind === 'matchall') return ['matchall'];
  const masks = [...objectsWithin(options['match'])].map((match) => textOf(match['mask']));
  return kind === 'u32' && masks.length === 1 && /^0+$/.test(masks[0] ?? '') ? ['u32', 'match', 'u32', '0', '0'] : null;
}

/** The protocol that a filter is for, and its place among others. */
function headWords(filter: Fields): readonly string[] {
  return ['protocol', textOf(filter['protocol']) ?? 'all', 'prio', String(filter['pref'] ?? 1)];
}

/** The devices that a filter names, as `, to DEVICE`. */
function targetsText(options: Fields): string {
  return [...objectsWithin(options)]
    .map(({ to_dev: to }) => textOf(to))
    .filter((to) => to !== null)
    .map((to) => `, to ${to}`)
    .join('');
}

/**
 * Filters for all frames that mirror, redirect, drop or pass are made again where both devices are in the twin; others
 * are named. A mirror to a device that is not in the twin is one of these.
 */
export function copiedFilters(state: HostState, devices: ReadonlySet<string>): CopiedFilters {
  const commands: (readonly string[])[] = [];
  const missing: string[] = [];
  const prepared = new Set<string>();
  for (const { device, place, key, kind, fields, options, actions: made, isRule } of tcFilters(state)) {
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
    commands.push(['tc', 'filter', 'add', 'dev', device, place, ...headWords(fields), ...words]);
  }
  return { commands, missing };
}
