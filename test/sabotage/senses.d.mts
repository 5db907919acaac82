import type { Devices } from '../../src/run/devices.js';

export const senses: Readonly<Record<string, (devices: Devices) => Devices>>;
