// Nobody sees content here, and that somebody looked stands in the logboek before the page is there.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { AUDITOR, CONTACT, EMPLOYEE, FG, PERSON, REASON, plain } from './paginas.mjs';
import { Gebreken, check, equal, hold } from './toets.mjs';

const EXAMPLE = fileURLToPath(new URL('../../deploy/voorbeeld', import.meta.url));
/** Sorts of logregels of who watches. */
const LOOKS = ['ingezien', 'geexporteerd'];
const SHORTEST = 5;

const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** All that the partners of the demo wrote to each other, without what stands in the public documents too. */
function content(data) {
  const found = new Set();
  const take = value => {
    if (typeof value === 'string') found.add(value);
    else if (value && typeof value === 'object') Object.values(value).forEach(take);
  };
  for (const name of fs.readdirSync(path.join(EXAMPLE, 'casussen')).filter(of => of.endsWith('.json'))) {
    const { betrokkenen, berichten } = JSON.parse(fs.readFileSync(path.join(EXAMPLE, 'casussen', name), 'utf8'));
    take(betrokkenen);
    Object.values(berichten).forEach(({ verzoek }) => take(verzoek.inhoud));
    Object.values(betrokkenen).forEach(({ naam }) => naam && found.add(naam.split(' ').at(-1)));
  }
  // A part of a longer text is content too.
  for (const text of [...found]) text.split(/(?<=[.;:])\s+/).forEach(part => part.length > 20 && found.add(part));
  const folders = ['deelnemers.toml', 'convenanten'].map(of => path.join(data, of));
  const files = folders.flatMap(of =>
    fs.statSync(of).isDirectory() ? fs.readdirSync(of).map(name => path.join(of, name)) : [of],
  );
  const isPublic = files.map(of => fs.readFileSync(of, 'utf8').toLowerCase()).join('\n');
  const isContent = text =>
    text.length >= SHORTEST && !/^\{.*\}$|^[A-Z0-9_]+_[A-Z0-9_]+$/.test(text) && !isPublic.includes(text.toLowerCase());
  return [...found].filter(isContent);
}

/** What of the content stands in a text, as a whole word. */
function standing(text, words) {
  const lower = plain(text).toLowerCase();
  const stands = word => new RegExp(`(?<![\\p{L}\\d])${escaped(word)}(?![\\p{L}\\d])`, 'u').test(lower);
  return words.filter(word => lower.includes(word) && stands(word));
}

export async function inhoud(bench) {
  const { poort, shown, downloads, watchers, dossier } = bench;
  const words = content(poort.data).map(word => word.toLowerCase());
  const addresses = [...shown.map(({ address }) => address), ...downloads.map(([address]) => address)];
  const typed = Object.values(PERSON)
    .concat(PERSON.naam.split(' ').at(-1), EMPLOYEE)
    .map(word => word.toLowerCase());

  await check('the cases of the demo have content to look for, which is found where it stands', async () => {
    hold(words.length > 200, `${words.length} texts`);
    for (const word of [
      PERSON.naam,
      PERSON.skn,
      'Verzonnenhove',
      '999900183',
      'Niet heenzenden zonder dat de opvang weet dat hij komt.',
    ]) {
      hold(words.includes(word.toLowerCase()), `${word} is not looked for`);
      equal(standing(`<p>over ${word}</p>`, words).includes(word.toLowerCase()), true, word);
    }
  });
  for (const naam of watchers) {
    await check(`no page and no download of ${naam} holds content`, async () => {
      const wrong = new Gebreken();
      const of = (what, answer, spared) =>
        wrong.of(what, () => {
          equal(
            standing(
              answer.text,
              words.filter(word => !spared.includes(word)),
            ),
            [],
            'content',
          );
        });
      for (const address of addresses) await of(address, await poort.ask(naam, address), []);
      const every = [
        ...(await poort.ask(naam, '/uitwisselingen')).text.matchAll(/href="(\/uitwisselingen\/[0-9a-f-]+)"/g),
      ];
      for (const [, address] of every.slice(0, 25)) await of(address, await poort.ask(naam, address), []);
      const person = await poort.post(naam, '/betrokkene', { ...PERSON, reden: REASON });
      hold(person.status === 200 && !person.text.includes('Er is niets gevonden'), 'nobody was found');
      await of('who was searched for', person, typed);
      await of(
        'an employee',
        await poort.post(naam, '/uitwisselingen', { medewerker: EMPLOYEE, reden: REASON }),
        typed,
      );
      wrong.none();
    });
  }
  await check('a contactpunt sees whom it typed and no content', async () => {
    const spared = words.filter(word => !typed.includes(word));
    for (const address of ['/inzage', `/inzage/${dossier}`]) {
      const { status, text } = await poort.ask(CONTACT, address);
      equal(status, 200, address);
      hold(text.includes(PERSON.naam), `${address} does not say whom it is about`);
      equal(standing(text, spared), [], `content on ${address}`);
    }
  });
  await looks(bench);
}

/** What was looked at is written before it is shown, once. */
async function looks(bench) {
  const { poort, shown, downloads, dossier } = bench;
  const written = async run => {
    const { answer, written: rows } = await poort.writing(run);
    return [answer, rows.filter(({ soort }) => LOOKS.includes(soort))];
  };
  await check('each page that shows something of the logboek is one look, written before it is there', async () => {
    const wrong = new Gebreken();
    const all = [...shown, ...downloads.map(([address, , count]) => ({ address, looks: count }))];
    for (const { address, looks: expected } of all) {
      await wrong.of(address, async () => {
        const [answer, rows] = await written(() => poort.ask(AUDITOR, address));
        equal([answer.status, rows.length], [200, expected], 'status and looks');
        hold(
          rows.every(({ rol }) => rol === 'auditor'),
          'a look of somebody else',
        );
      });
    }
    wrong.none();
  });
  await check('each search and each check is one look', async () => {
    const wrong = new Gebreken();
    const kept = (await poort.ask(AUDITOR, '/checkpoint')).text;
    const posts = [
      ['a search for a person', () => poort.post(AUDITOR, '/betrokkene', { ...PERSON, reden: REASON })],
      [
        'a search for an employee',
        () => poort.post(AUDITOR, '/uitwisselingen', { medewerker: EMPLOYEE, reden: REASON }),
      ],
      ['a conclusion', () => poort.post(AUDITOR, '/rapport', { conclusie: 'Alles in orde.' })],
      ['a checkpoint that is checked', () => poort.handIn(AUDITOR, kept)],
    ];
    for (const [what, run] of posts) {
      await wrong.of(what, async () => {
        const [answer, rows] = await written(run);
        equal([answer.status, rows.length], [200, 1], 'status and looks');
      });
    }
    wrong.none();
  });
  await check('what is no page of the logboek, and what is refused, is no look', async () => {
    const wrong = new Gebreken();
    for (const address of [
      '/onbekend',
      '/stijl/thema.css',
      '/?onzin=1',
      '/?van=gisteren',
      '/uitwisselingen/onzin',
      '/inzage/999999',
    ]) {
      await wrong.of(address, async () => {
        const [answer, rows] = await written(() => poort.ask(AUDITOR, address));
        equal(
          rows.map(({ soort }) => soort),
          [],
          `looks, with status ${answer.status}`,
        );
      });
    }
    wrong.none();
  });
  await check('a contactpunt that looks at a dossier is written too', async () => {
    const [, rows] = await written(() => poort.ask(CONTACT, `/inzage/${dossier}`));
    equal(
      rows.map(({ rol }) => rol),
      ['contact'],
      'looks',
    );
  });
  await check('"Wie keek er" counts a look of another', async () => {
    const count = async () =>
      Number((await poort.ask(AUDITOR, '/wie-keek')).text.match(/([\d.]+) (?:blik|blikken)/)[1].replaceAll('.', ''));
    // The index of what is searched follows the logboek at a small distance.
    const settled = async at_least => {
      let now = await count();
      for (let tries = 0; now < at_least && tries < 20; tries += 1) {
        await new Promise(resolve => {
          setTimeout(resolve, 250);
        });
        now = await count();
      }
      return now;
    };
    const before = await settled(1);
    await poort.ask(FG, '/datalekken');
    // The look of the FG, and that of the auditor itself who counted before.
    hold((await settled(before + 2)) >= before + 2, 'it is not counted');
  });
}
