import type { FleetHost, FleetReport } from '../../core/model/fleet.js';
import { counted } from '../../core/text/escape.js';
import { html, type Markup, toneOf, wordMarkup } from '../html/markup.js';
import { pageShell } from '../html/page-shell.js';
import { fleetCountsText, fleetWord, hostLines, hostWord } from './terminal.js';

const maxLines = 50;

function row(entry: FleetHost, at: number, troubled: boolean): Markup {
  const { host, runs } = entry;
  const name = troubled ? html`<a href="#host${at}">${host}</a>` : html`${host}`;
  const list = runs.map(
    ({ scenario, observed, ports, startedAt, rootHash }) =>
      html`<div>${scenario}: ${observed} of ${counted(ports, 'port')}, ${startedAt}, root hash <code>${rootHash ?? 'none'}</code></div>`,
  );
  return html`<tr><th scope="row">${name}</th><td class="word">${wordMarkup(hostWord(entry))}</td><td>${list.length === 0 ? 'no run' : list}</td></tr>`;
}

/** One page over all hosts; each run's own page lies in its folder. */
export function fleetHtml(report: FleetReport): string {
  const word = fleetWord(report);
  const hosts = report.hosts.map((host) => ({ host, lines: hostLines(host) }));
  const details = hosts.map(({ host, lines }, at) => ({
    markup:
      lines.length === 0
        ? ''
        : html`<section aria-labelledby="host${at}"><h2 id="host${at}">${host.host}</h2><ul>${lines.slice(0, maxLines).map((line) => html`<li>${line}</li>`)}</ul>${lines.length > maxLines ? html`<p>and ${lines.length - maxLines} more</p>` : ''}</section>`
            .markup,
  }));
  return pageShell({
    title: `${word.text}: ${fleetCountsText(report)}`,
    nav: [html`<a href="#hosts">Hosts</a>`],
    content: [
      html`<h1>Are guests isolated from each other on these hosts?</h1><div class="verdict ${toneOf(word)}"><strong>${wordMarkup(word)}</strong><p>${fleetCountsText(report)}</p></div>`,
      html`<section aria-labelledby="hosts"><h2 id="hosts">Hosts</h2><div class="wide" tabindex="0" role="region" aria-label="Hosts and their verdicts"><table><thead><tr><th scope="col">host</th><th scope="col">verdict</th><th scope="col">runs</th></tr></thead><tbody>${hosts.map(({ host, lines }, at) => row(host, at, lines.length > 0))}</tbody></table></div></section>`,
      ...details,
    ],
    foot: 'This file is a view; the evidence in the hosts\u2019 folders is what counts.',
  });
}
