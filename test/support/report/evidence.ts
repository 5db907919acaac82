import type { Result } from '../../../src/core/model/result.js';
import { showFrame } from '../../../src/core/wire/shown-frame.js';
import type { ReportedRun } from '../../../src/report/reporter.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../src/core/wire/token.js';
import { addFrames, hostState, judge, key, perfectRun, scenario, step } from '../judge/perfect-run.js';
import type { Endpoint } from '../../../src/core/model/scenario.js';

/** A judged run as a reporter gets it: `leaking` observers overheard the first probe. */
export function reported(
  leaking: readonly string[],
  change: { readonly name?: string; readonly zone?: string; readonly guests?: number; readonly state?: boolean } = {},
): ReportedRun {
  const base = scenario([step({ name: change.name ?? 'one' })]);
  const [sample] = base.topology.endpoints;
  if (sample === undefined) throw new Error('no endpoint');
  const more = Array.from(
    { length: change.guests ?? 0 },
    (_, at): Endpoint => ({
      ...sample,
      name: `g${at}`,
      port: `t${at}`,
      macs: [`52:54:00:01:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`],
      zone: at % 2 === 0 ? 'red' : 'blue',
    }),
  );
  const endpoints = [
    ...base.topology.endpoints.map((endpoint) => ({ ...endpoint, zone: change.zone ?? endpoint.zone })),
    ...more,
  ];
  const evidence = perfectRun({ ...base, topology: { ...base.topology, endpoints } });
  const template = hostState().links.find((link) => link.name === 'p0');
  const ports =
    template === undefined
      ? []
      : more.map((endpoint, at) => ({ ...template, name: endpoint.port ?? '', ifindex: 100 + at }));
  const state = hostState();
  const whole = { ...state, links: [...state.links, ...ports] };
  evidence.states = [{ before: whole, after: whole }];
  const [flow] = evidence.plan.steps[0]?.flows ?? [];
  if (flow === undefined) throw new Error('no flow');
  const bytes = buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1));
  addFrames(evidence, ...leaking.map((observer) => ({ observer, outgoing: true, bytes })));
  const judged: Result = judge(evidence);
  const numbers = judged.steps
    .flatMap((step) => step.findings)
    .flatMap((finding) => (finding.leak && finding.firstSighting !== null ? [finding.firstSighting.frame] : []));
  const frames = numbers.map((frame) => showFrame(frame, bytes, bytes.length));
  const later = hostState();
  const states =
    change.state === true
      ? [
          {
            before: hostState(),
            after: {
              ...later,
              links: later.links.map((link) =>
                link.name === 'br0' ? { ...link, bridge: { ...link.bridge, ageing_time: 0 } } : link,
              ),
            },
          },
        ]
      : evidence.states;
  return {
    result: judged,
    dir: '/evidence',
    details: { plan: evidence.plan, run: evidence.run, timeline: evidence.timeline, states, frames },
  };
}
