import { wholeInterval } from '../../../src/core/judge/proof/intervals.js';
import { unchangedReasons } from '../../../src/core/judge/proof/unchanged.js';
import type { HostState, LinkState } from '../../../src/core/model/state.js';
import type { RuleChange, SettingChange } from '../../../src/core/model/timeline.js';
import { there } from '../there.js';
import { hostState, perfectRun } from './perfect-run.js';

export const { plan } = perfectRun();
export const step = there(plan.steps[0]);
export const links =
  (name: string, change: (link: LinkState) => LinkState | null) =>
  (state: HostState): HostState => ({
    ...state,
    links: state.links.flatMap((link) => (link.name === name ? (change(link) ?? []) : [link])),
  });
export const over = (name: string, more: Partial<LinkState>) => links(name, (link) => ({ ...link, ...more }));

/** What is said, as `code observer: text`, of a step with these states around it and of what was heard meanwhile. */
export const changesOf = ({
  before = hostState(),
  after = before,
  rules = [],
  settings = [],
  of = step,
  endpoints = plan.endpoints,
}: {
  readonly before?: HostState;
  readonly after?: HostState;
  readonly rules?: readonly RuleChange[];
  readonly settings?: readonly SettingChange[];
  readonly of?: typeof step;
  readonly endpoints?: typeof plan.endpoints;
}): readonly string[] =>
  unchangedReasons(of, [wholeInterval({ before, after })], endpoints, rules, settings).map(
    ({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`,
  );
