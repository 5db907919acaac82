import type { HostState, LinkState } from '../../../src/core/model/state.js';
import { there } from '../there.js';
import { perfectRun } from './perfect-run.js';

export const { plan } = perfectRun();
export const step = there(plan.steps[0]);
export const links =
  (name: string, change: (link: LinkState) => LinkState | null) =>
  (state: HostState): HostState => ({
    ...state,
    links: state.links.flatMap((link) => (link.name === name ? (change(link) ?? []) : [link])),
  });
export const over = (name: string, more: Partial<LinkState>) => links(name, (link) => ({ ...link, ...more }));
