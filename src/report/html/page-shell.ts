import { createHash } from 'node:crypto';
import { html, type Markup } from './markup.js';

/**
 * Each colour has a word or mark beside it. Contrast is 4.5 (WCAG 2.2, 1.4.3). Blue, orange and grey differ in
 * red-green blindness.
 */
const style = `
:root{color-scheme:light dark;--ground:#fff;--panel:#f4f6f8;--line:#9aa5b1;--text:#16202b;--soft:#4a5765;--good:#0a5aa8;--bad:#a83a00;--doubt:#6b4d00;--shown:#5b3a99;--goodback:#e3effb;--badback:#fdeadd;--doubtback:#fbf2d5;--shownback:#efe9fa}
@media(prefers-color-scheme:dark){:root{--ground:#11161c;--panel:#1a222b;--line:#5f6e7d;--text:#e8edf2;--soft:#aab7c4;--good:#8cc4ff;--bad:#ffab7a;--doubt:#f0cf6a;--shown:#c9b3ff;--goodback:#12293f;--badback:#3d2113;--doubtback:#352c0c;--shownback:#2a2140}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main,header,footer,nav{max-width:72rem;margin:0 auto;padding:0 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:1.5rem 0 .5rem}h2{font-size:1.25rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}h3{font-size:1.02rem;margin:1.3rem 0 .4rem}.leak h3{margin-top:.3rem}.leak dt{min-width:1.6rem}nav{padding-top:.5rem}nav a{margin-right:.6rem}
p{margin:.4rem 0;max-width:60rem}a{color:var(--good)}a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--good);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.4rem}
.verdict{border-left:.6rem solid;padding:.6rem 1rem;margin:1rem 0}.verdict strong{font-size:1.5rem}
.good{color:var(--good)}.bad{color:var(--bad)}.doubt{color:var(--doubt)}.shown{color:var(--shown)}.soft{color:var(--soft)}
.verdict.good{background:var(--goodback)}.verdict.bad{background:var(--badback)}.verdict.doubt{background:var(--doubtback)}.verdict.shown{background:var(--shownback)}.verdict p{color:var(--text)}
table{border-collapse:collapse;margin:.5rem 0;font-size:.92rem}th,td{border:1px solid var(--line);padding:.25rem .55rem;text-align:left;vertical-align:top;overflow-wrap:break-word}thead th{background:var(--panel)}td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.word{white-space:nowrap;font-weight:600}td>span{white-space:nowrap}
caption{text-align:left;color:var(--soft);padding:.2rem 0}
.wide{overflow-x:auto}.wide table{min-width:46rem}pre,code{font:.86rem/1.45 ui-monospace,monospace}pre{background:var(--panel);border:1px solid var(--line);padding:.6rem;margin:.4rem 0;width:max-content;min-width:100%}code{overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0}dt{font-weight:600}dd{grid-column:2;margin:0;overflow-wrap:anywhere}dd code{display:block}tbody th{font-weight:400}
details{margin:.6rem 0}summary{cursor:pointer;font-weight:600}summary h2{display:inline;border:0}
.leak{border-left:.35rem solid var(--bad);padding:.1rem .9rem;margin:.8rem 0}.leak.shown{border-color:var(--shown)}.leak.doubt{border-color:var(--doubt)}.leak.bad,.leak.shown,.leak.doubt{color:var(--text)}
.head dl{font-size:.92rem}
svg{display:block;width:100%;height:auto;max-height:44rem;background:var(--panel);border:1px solid var(--line)}
svg text{fill:var(--text);font:13px system-ui,sans-serif}svg .name{font-weight:700}svg .small{font-size:11px}svg .zone{fill:var(--soft);font-size:12px}svg .ear{font-size:11px;font-weight:600}svg text.good{fill:var(--good)}svg text.bad{fill:var(--bad)}svg text.doubt{fill:var(--doubt)}
svg .box{fill:var(--ground);stroke:var(--text);stroke-width:1.2}svg .behind{stroke-dasharray:5 3}svg .bar{fill:var(--goodback);stroke:var(--text)}svg .cord{stroke:var(--soft);stroke-width:1.5;fill:none}svg .group{fill:none;stroke:var(--line);stroke-dasharray:2 3}
svg .rail{fill:none;stroke:var(--bad);stroke-width:2}svg .tip{fill:var(--bad)}svg .halo{paint-order:stroke;stroke:var(--panel);stroke-width:4px;font-weight:600}svg .shown .rail,svg .shown .tag{stroke:var(--shown)}svg .shown .tip,svg .shown text.tagtext{fill:var(--shown)}svg .tag{fill:var(--ground);stroke:var(--bad);stroke-width:1.6}svg text.tagtext{fill:var(--bad);font-size:11px;font-weight:700}
.paper{display:none}
svg.net{min-width:48rem}svg text.shown{fill:var(--shown)}
svg.map{width:auto;max-width:100%}svg .heat{fill:var(--ground);stroke:var(--line);stroke-width:.5}svg .heat.leak{fill:var(--badback);stroke:var(--bad)}svg .heat.shown{fill:var(--shownback);stroke:var(--shown)}svg .heat.doubt,svg .heat.open{fill:var(--doubtback)}svg .heat.self{fill:var(--line);opacity:.35}
@page{size:A4;margin:14mm}
@media print{body{font-size:9pt}.wide table{min-width:0}:root{--ground:#fff;--panel:#fff;--line:#777;--text:#000;--soft:#333;--good:#0a4a8a;--bad:#8f3200;--doubt:#5a4000;--shown:#4b2f85;--goodback:#fff;--badback:#fff;--doubtback:#fff;--shownback:#fff}nav,.skip,.screen{display:none}.paper{display:block}details::details-content{content-visibility:visible;display:block;height:auto}summary{list-style:none}svg{max-height:11rem}svg.net{min-width:0;max-height:16rem}.wide{overflow:visible}pre{white-space:pre-wrap;width:auto}pre,code{font-size:8pt}h2,h3{break-after:avoid}tr,.leak,svg{break-inside:avoid}td,tbody th{overflow-wrap:anywhere}table{font-size:7.5pt}}
`;

export interface PageParts {
  readonly title: string;
  readonly nav: readonly Markup[];
  readonly content: readonly Markup[];
  readonly foot: string;
}

/** Self-contained: no script, nothing loaded. */
export function pageShell({ title, nav, content, foot }: PageParts): string {
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  return `${
    html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${{ markup: policy }}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><title>${title} · verify-isolation</title><style>${{ markup: style }}</style></head>
<body><a class="skip" href="#content">Skip to the verdict</a><nav aria-label="On this page">${nav}</nav><main id="content">${content}</main><footer><p class="soft">${foot}</p><p class="soft paper">On paper hashes, frames, the timeline and states are left out: they stand in report.html.</p></footer></body></html>`
      .markup
  }\n`;
}
