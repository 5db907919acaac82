import type { Result } from '../../core/model/result.js';
import { sabotageText } from '../sabotage-text.js';
import { html, type Markup, nothing } from './markup.js';

/** How it was measured, and what the verdict does not say. */
export function methodSection(result: Result): Markup {
  const sabotage = sabotageText(result);
  return html`<section aria-labelledby="method"><h2 id="method">Method and limits</h2>
<p>Frames that only this run could have made (each carries a token) were sent as one guest, while libpcap listened on every other port of the bridge. A frame seen where it was not allowed is a leak, whatever else failed. A zero counts only with its proof; where a piece of proof is missing the verdict is inconclusive.</p>
<ul><li>Nothing is said about frames that were not sent. With n frames and none overheard, at most 1 − 0.05^(1/n) of such frames leak, at 95 % confidence.</li><li>Nothing about other moments: settings change, entries age, guests learn.</li><li>Nothing about side channels, shared storage, the hypervisor itself, or a guest that breaks out of it.</li><li>In a lab nothing about your host: it shows what the kernel does with these settings.</li></ul>
<p>To judge the evidence again, on any machine: <code>verify-isolation replay DIR</code>, with the folder that this report lies in. It comes to the same result, byte for byte.</p>${sabotage === null ? nothing : html`<p>The version that judged was ${sabotage}.</p>`}</section>`;
}
