import { diversionsOf } from '../bridge/diversions.js';
import type { End, Forecast } from '../bridge/forwarding/forecast.js';
import { predict } from '../bridge/forwarding/predict.js';
import { type BridgeView, bridgeViews, stateAlone } from '../bridge/view.js';
import { placeOf } from '../model/attach.js';
import type { Flow, Plan, StepPlan } from '../model/plan.js';
import { answerVariant, type Finding, type Result } from '../model/result.js';
import type { Endpoint, ProbeClassName } from '../model/scenario.js';
import { isProbeClass } from '../probe/classes.js';
import type { HostState } from '../model/state.js';

/** A result row and its prediction. */
export interface WireComparison {
  readonly step: string;
  readonly class: ProbeClassName;
  readonly carrier: string;
  readonly from: string;
  readonly to: string | null;
  readonly observer: string;
  readonly seen: number;
  readonly forecast: Forecast;
  /** `differs`: the rule is wrong. `open`: the prediction was unknown, or the proof is incomplete. */
  readonly outcome: 'agrees' | 'differs' | 'open';
}

function endOf(view: BridgeView, endpoint: Endpoint): End | null {
  const { name, macs } = endpoint;
  const kind = placeOf(endpoint.attach);
  if (kind === 'above' || kind === 'routed') return null; // what a lower device or the host does is not a bridge's
  if (kind !== 'port') return { name, site: { kind }, macs };
  const port = view.ports.find((port) => port.name === endpoint.port);
  return port === undefined ? null : { name, site: { kind, port }, macs };
}

function classOf(name: string): ProbeClassName {
  return isProbeClass(name) ? name : 'known-unicast';
}

function endsOf(row: Finding, step: StepPlan): { readonly from: string; readonly to: string | null } {
  if (row.grouped === undefined) return row;
  const addressee = row.allowed === 'must';
  const matches = (flow: Flow): boolean =>
    flow.judged &&
    flow.probe === row.probe &&
    flow.carrier === row.carrier &&
    flow.from !== row.observer &&
    (flow.to === row.observer) === addressee;
  for (const flow of step.flows) if (matches(flow)) return { from: flow.from, to: row.to === null ? null : flow.to };
  return row;
}

/** Null if several guests caused the row, which does not say after which its frames came. */
function causerOf(row: Finding, step: StepPlan, to: string | null): string | null {
  const senders = new Set(
    step.flows
      .filter((flow) => flow.purpose === 'stimulus' && flow.probe === row.probe && flow.to === to)
      .map(({ from }) => from),
  );
  return senders.size === 1 ? ([...senders][0] ?? null) : null;
}

function outcomeOf({ reach }: Forecast, seen: number, proved: boolean): WireComparison['outcome'] {
  if (reach === 'unknown' || (seen === 0 && !proved)) return 'open';
  return (reach === 'yes') === seen > 0 ? 'agrees' : 'differs';
}

/**
 * Compares rows with predictions from the state before their step. Skips ends missing there and the author's addresses.
 */
export function compareWithWire(
  plan: Plan,
  result: Result,
  before: readonly (HostState | null)[],
): readonly WireComparison[] {
  return result.steps.flatMap((judged, index) => {
    const [state, step] = [before[index], plan.steps[index]];
    if (state === null || state === undefined || step === undefined) return [];
    const views = bridgeViews(stateAlone(state));
    return judged.findings.flatMap((row): readonly WireComparison[] => {
      const { from, to } = endsOf(row, step);
      const endpoint = (name: string | null): Endpoint | undefined =>
        plan.endpoints.find((endpoint) => endpoint.name === name);
      const view = views.find(({ name }) => name === endpoint(from)?.bridge);
      const end = (name: string | null): End | null => {
        const known = endpoint(name);
        return view === undefined || known === undefined || known.bridge !== view.name ? null : endOf(view, known);
      };
      const [sender, observer] = [end(from), end(row.observer)];
      if (view === undefined || sender === null || observer === null) return [];
      // What answers is unicast to one who has just sent
      const isAnswer = row.variant === answerVariant;
      const probe = isAnswer ? 'known-unicast' : classOf(row.class);
      const forecast = predict(view, diversionsOf(view, stateAlone(state)), {
        class: probe,
        from: sender,
        to: end(to),
        observer,
        by: end(causerOf(row, step, to)),
        carrier: row.carrier,
        ...(row.variant === undefined || isAnswer ? {} : { variant: row.variant }),
      });
      const outcome = outcomeOf(forecast, row.seen, judged.reasons.length === 0);
      return [
        {
          step: judged.name,
          class: probe,
          carrier: row.carrier,
          from: row.from,
          to: row.to,
          observer: row.observer,
          seen: row.seen,
          forecast,
          outcome,
        },
      ];
    });
  });
}
