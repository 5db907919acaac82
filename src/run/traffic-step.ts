import type { StepPlan, TrafficPlan } from '../core/model/plan.js';
import { VerifyError } from '../core/model/verify-error.js';
import { exchangePing } from '../system/traffic/ping.js';
import { exchangeHttp } from '../traffic/http.js';
import { checkStop, type RunContext } from './context.js';

async function exchange(
  context: RunContext,
  traffic: TrafficPlan,
): Promise<{ readonly ok: boolean; readonly detail: string }> {
  const address = context.plan.endpoints.find((endpoint) => endpoint.name === traffic.to)?.ips[0]?.address;
  if (address === undefined) return { ok: false, detail: `${traffic.to} has no IP address` };
  const client = context.fabric.sendingPlace(traffic.from);
  const server = context.fabric.sendingPlace(traffic.to);
  const { requests, bytes } = traffic;
  switch (traffic.kind) {
    case 'http':
      return exchangeHttp({ client, server, address, requests, bytes });
    case 'ping':
      return exchangePing({ client, server, address, requests, bytes });
    case 'tcp':
    case 'udp':
      throw new VerifyError('unsupported', 69, `traffic ${traffic.kind} is not supported yet`, 'Use http or ping.');
  }
}

/**
 * Lets real programs talk through the endpoints' own stacks, one after the other; whether they could is written down.
 */
export async function runTraffic(context: RunContext, step: StepPlan): Promise<void> {
  for (const [index, traffic] of step.traffic.entries()) {
    checkStop(context.signal);
    context.timeline.log(step.index, { event: 'traffic', traffic: index, ...(await exchange(context, traffic)) });
  }
}
