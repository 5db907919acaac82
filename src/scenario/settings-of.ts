import type { Step, Topology } from '../core/model/scenario.js';

/** What a topology says of its bridges and ports: their interfaces, with the settings that are not left as they are. */
export function settingsOf({ bridges, endpoints }: Topology): Step['set'] {
  return [
    ...bridges.map(({ name, settings }) => ({ device: name, settings })),
    ...endpoints.flatMap(({ port, settings }) => (port === null ? [] : [{ device: port, settings }])),
  ].filter(({ settings }) => Object.keys(settings).length > 0);
}
