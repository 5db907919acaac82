import type { Scenario } from '../../../src/core/model/scenario.js';
import type { Devices } from '../../../src/run/devices.js';

export interface Cast {
  readonly victim: string;
  readonly victimMac: string;
  readonly port: string;
  readonly sender: string;
  readonly senderPort: string;
  readonly mac: string;
  readonly bridge: string;
  readonly ovs: boolean;
  readonly addressed: boolean;
}
export function castOf(scenario: Scenario): Cast;
export function sensesOf(cast: Cast): Readonly<Record<string, (devices: Devices) => Devices>>;
export const unbroken: string;
export function passingSenses(cast: Cast): readonly string[];
export function needProbes(name: string): boolean;
export const everywhere: readonly string[];
/** Names of the ways in which an ear above a bridge is broken. */
export declare const earSenses: readonly string[];
