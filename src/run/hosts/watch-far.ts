import { withPassing, withPassingPrograms } from '../../core/bridge/states-by-host.js';
import type { StepPlan } from '../../core/model/plan.js';
import type { HostState } from '../../core/model/state.js';
import type { RuleChange, SettingChange } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { HostAnswers } from '../../core/protocol/host-messages.js';
import { type RunContext, remoteOf } from '../context.js';
import type { RemoteHost } from './remote-host.js';

type Heard = HostAnswers['heard'];

interface FarHost {
  readonly remote: RemoteHost;
  /** Not taken yet. */
  rules: RuleChange[];
  settings: SettingChange[];
  passing: Heard['passing'] | null;
  unheard: readonly string[];
}

/** Changes of rules, settings and bypasses on other hosts with observers. */
export class FarWatch {
  readonly #hosts: readonly FarHost[];

  private constructor(hosts: readonly FarHost[]) {
    this.#hosts = hosts;
  }

  /** Rejects with VerifyError as `RemoteHost.ask` does. */
  static async open(context: RunContext, step: StepPlan): Promise<FarWatch> {
    const routed = step.observers.some((observer) => observer.routed === true);
    const places = new Map<string, string | null>();
    for (const { interface: device, by } of step.observers) {
      if (by?.device !== undefined) continue; // what a guest does in its own namespace is its affair
      const { host, netns } = context.fabric.observingPlace(device);
      if (host !== undefined) places.set(host, netns);
    }
    const opening = [...places].map(async ([host, netns]): Promise<FarHost> => {
      const remote = remoteOf(context, host);
      await remote.ask({ ask: 'watch', netns, routed });
      return { remote, rules: [], settings: [], passing: null, unheard: [] };
    });
    return new FarWatch(await Promise.all(opening));
  }

  /** A lost host is reported by its observers. */
  async fetch(): Promise<void> {
    await Promise.all(
      this.#hosts.map(async (host) => {
        const heard = await host.remote.ask({ ask: 'heard' }).catch((error: unknown) => {
          if (error instanceof VerifyError && error.code === 'host-lost') return null;
          throw error;
        });
        if (heard === null) return;
        const { name } = host.remote;
        host.rules.push(...heard.rules.map((change) => ({ ...change, host: name })));
        host.settings.push(...heard.settings.map((change) => ({ ...change, host: name })));
        host.passing = heard.passing;
        host.unheard = heard.unheard.map((text) => `${name}: ${text}`);
      }),
    );
  }

  takeRules(): readonly RuleChange[] {
    return this.#hosts.flatMap((host) => host.rules.splice(0));
  }

  takeSettings(): readonly SettingChange[] {
    return this.#hosts.flatMap((host) => host.settings.splice(0));
  }

  unheard(): readonly string[] {
    return this.#hosts.flatMap(({ unheard }) => unheard);
  }

  /** Adds transient bypasses of other hosts. */
  withPassing(state: HostState): HostState {
    if (state.apart === undefined) return state;
    const apart = { ...state.apart };
    let { programs } = state;
    for (const { remote, passing } of this.#hosts) {
      const of = apart[remote.name];
      if (of === undefined || passing === null) continue;
      apart[remote.name] = withPassing(of, passing);
      programs = withPassingPrograms({ programs }, passing.programs, remote.name).programs;
    }
    return { ...state, apart, programs };
  }
}
