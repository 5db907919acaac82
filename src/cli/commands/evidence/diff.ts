import { injectionDevice } from '../../../core/model/timeline.js';
import { reloadedRulesText } from '../../../core/bridge/rules-text.js';
import type { HostState } from '../../../core/model/state.js';
import { fieldsOf, jsonText, objectsOf, textOf } from '../../../core/text/json-text.js';
import { compareResults, statusOfComparison } from '../../../report/compare-results.js';
import { type Difference, stateDifferences } from '../../../report/state-differences.js';
import { comparisonText } from '../../../report/terminal/comparison.js';
import { makePaint } from '../../../report/terminal/layout.js';
import { parseFolder } from '../../../system/evidence/folder/parse-folder.js';
import { replayFolder } from '../../../system/evidence/replay.js';
import { columnsOf, wantsColor } from '../../screen.js';

/** A state without the rules of devices through which frames are injected: their names are new with each run. */
export function withoutInjection(state: HostState): HostState {
  const listed = fieldsOf(state.tc);
  if (listed === null) return state;
  const isOwn = (device: string): boolean => injectionDevice.test(device);
  const places = Object.entries(fieldsOf(listed['filters']) ?? {}).filter(
    ([place]) => !isOwn(place.split(' ', 1)[0] ?? ''),
  );
  const qdisc = objectsOf(listed['qdisc']).filter(({ dev }) => !isOwn(textOf(dev) ?? ''));
  return { ...state, tc: { ...listed, qdisc, filters: Object.fromEntries(places) } };
}

async function settingsBetween(
  first: string,
  second: string,
): Promise<readonly { readonly step: string; readonly differences: readonly Difference[] }[]> {
  const [a, b] = [await parseFolder(first), await parseFolder(second)];
  return b.plan.steps.flatMap((step, index) => {
    const before = a.states[a.plan.steps.findIndex((planned) => planned.name === step.name)]?.before ?? null;
    const after = b.states[index]?.before ?? null;
    if (before === null || after === null) return [];
    // MACs of the lab's own ends, and devices through which frames are injected, are made again for each run.
    const differences = stateDifferences(withoutInjection(before), withoutInjection(after), reloadedRulesText).filter(
      ({ place }) => !place.startsWith('fdb ') && !place.endsWith('.mac') && !injectionDevice.test(place),
    );
    return differences.length === 0 ? [] : [{ step: step.name, differences }];
  });
}

/** Judges both folders again and prints their differences. Gives the exit status. */
export async function diffCommand(first: string, second: string, json: boolean): Promise<number> {
  const runs = [await replayFolder(first), await replayFolder(second)] as const;
  const comparison = compareResults(...runs);
  const settings = await settingsBetween(first, second);
  process.stdout.write(
    json
      ? `${jsonText({ schemaVersion: 1, ...comparison, settings }, 2)}\n`
      : comparisonText(
          runs,
          comparison,
          settings,
          Math.min(100, columnsOf(process.stdout)),
          makePaint(wantsColor(process.stdout)),
        ),
  );
  return statusOfComparison(...runs, comparison);
}
