// The page in a browser: what an FG, an auditor and a contactpunt see of the gateway of the demo, in Chromium and without it.
//
// Each check is a sentence. Exit code 0 when every one held, else 1.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { Browser } from './browser.mjs';
import { AUDITOR, CONTACT, FG, FIRST_CONTACT, OTHER_CONTACT, PERSON, YESTERDAY, pages, plain } from './paginas.mjs';
import { Poort } from './poort.mjs';
import { check, hold, summary, within } from './toets.mjs';
import { controleren } from './controleren.mjs';
import { formulieren } from './formulieren.mjs';
import { geknoeid } from './geknoeid.mjs';
import { invoer } from './invoer.mjs';
import { inhoud } from './inhoud.mjs';
import { toegang } from './toegang.mjs';
import { toegankelijk } from './toegankelijk.mjs';
import { toetsenbord } from './toetsenbord.mjs';

const TOTAL_SECONDS = 540;
const PARTS = { toegang, inhoud, invoer, controleren, formulieren, toetsenbord, toegankelijk, geknoeid };

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string', default: 'target/debug/ketenpoort' },
    pakketten: { type: 'string', default: 'target/gereedschap/pagina' },
    schermen: { type: 'string', default: 'target/paginas' },
    // Only these parts, by name.
    deel: { type: 'string', multiple: true, default: Object.keys(PARTS) },
  },
});

/** Grants the first contact more than its own partner, as beheer does. */
function granted(poort) {
  const text = fs.readFileSync(path.join(poort.data, 'deelnemers.toml'), 'utf8');
  const changed = text.replace(/(partner = "zvh-baronie-breda"\nrol = "fg"\n)/, '$1ziet = ["zsm"]\n');
  hold(changed !== text, 'the example has no FG of the ZVH');
  const file = path.join(poort.data, 'meer.toml');
  fs.writeFileSync(file, changed);
  const beheer = path.join(poort.data, 'profielen', 'beheer');
  execFileSync(poort.binary, ['beheer', 'load', '--profile', beheer, '--reden', 'eerste aanspreekpunt', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
}

/** What the checks look at: a bericht, a regel, a dossier, and who sees all of that. */
async function prepared(poort) {
  granted(poort);
  const asked = {
    ...PERSON,
    kenmerk: 'proef-1',
    ontvangen_op: YESTERDAY,
    medewerker: 'bb-regie-03',
  };
  const opened = await poort.post(CONTACT, '/inzage', asked);
  hold(opened.status === 303, `a contactpunt could not open a dossier: ${opened.status} ${opened.text.slice(-800)}`);
  const dossier = Number(opened.headers.location.split('/').at(-1));
  const regels = await poort.regels();
  const aanvaard = regels.find(({ soort, berichtsoort }) => soort === 'aanvaard' && berichtsoort === 'scenario');
  const { text } = await poort.ask(FG, '/');
  const menu = [...(text.match(/<nav class="menu".*?<\/nav>/s)?.[0] ?? '').matchAll(/href="(.*?)"/g)].map(
    ([, to]) => to,
  );
  const factsheets = (await poort.ask(FG, '/factsheets')).text;
  const drawings = [...factsheets.matchAll(/href="(\/factsheets\/[^"]*\.svg[^"]*)"/g)].map(([, to]) => plain(to));
  const of = { bericht: aanvaard.bericht, bewijs: aanvaard.nummer, dossier, menu, drawings };
  return { ...of, ...pages(of), watchers: [FG, FIRST_CONTACT, AUDITOR], contacts: [CONTACT, OTHER_CONTACT] };
}

async function main() {
  const started = Date.now();
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'pagina-'));
  const poort = new Poort(path.resolve(options.binary), path.join(temporary, 'data'));
  let browser;
  const run = async () => {
    const demo = await poort.demo();
    browser = await Browser.start(options.pakketten, poort, temporary);
    const bench = { poort, browser, demo, schermen: path.resolve(options.schermen), ...(await prepared(poort)) };
    fs.mkdirSync(bench.schermen, { recursive: true });
    for (const naam of options.deel) {
      hold(PARTS[naam], `unknown part: ${naam}`);
      const from = Date.now();
      await PARTS[naam](bench);
      console.log(`--- ${naam}: ${Math.round((Date.now() - from) / 1000)} s`);
    }
  };
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(signal)));
  });
  try {
    await within(TOTAL_SECONDS, 'all checks', Promise.race([run(), interrupted]));
  } catch (error) {
    await check('the checks run to their end', () => {
      throw error;
    });
  } finally {
    await within(20, 'the browser ends', Promise.resolve(browser?.stop())).catch(error => console.error(error.message));
    await poort.stopAll();
    fs.rmSync(temporary, { recursive: true, force: true });
  }
  process.exit(summary(Math.round((Date.now() - started) / 1000)) ? 0 : 1);
}

await main();
