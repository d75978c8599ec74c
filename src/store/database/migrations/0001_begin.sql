-- The first schema. Written in the subset that SQLite and PostgreSQL share, so that one set of queries serves both.
-- What SQLite alone knows is left out for PostgreSQL or called as there (`store/database/dialect.rs`): BLOB is BYTEA, INTEGER PRIMARY KEY is BIGINT
-- PRIMARY KEY, and WITHOUT ROWID is nothing. With them a table is its own index, and a bericht dirties that many pages less.
-- Moments are microseconds since 1970 UTC; days are ISO 8601 text in Europe/Amsterdam; ids are the 16 bytes of a UUID.

-- One row, locked first in every transaction that writes: which logboek is written, and its newest checkpoint.
-- `eerste` is the `log_index` of the first regel of that logboek. `nota` is empty before its first checkpoint.
CREATE TABLE logboek (
    id INTEGER PRIMARY KEY,
    nummer BIGINT NOT NULL,
    naam TEXT NOT NULL,
    eerste BIGINT NOT NULL,
    nota TEXT NOT NULL
);

-- Every logboek of this database, one after the other; the last one is written.
CREATE TABLE logboeken (
    nummer INTEGER PRIMARY KEY,
    naam TEXT NOT NULL UNIQUE,
    eerste BIGINT NOT NULL
);

-- Leaves of the trees, verbatim. `log_index` counts through all logboeken.
CREATE TABLE logregels (
    log_index INTEGER PRIMARY KEY,
    regel BLOB NOT NULL,
    hash BLOB NOT NULL,
    bericht BLOB
);
-- The tijdlijn of a bericht.
CREATE INDEX logregels_bericht ON logregels (bericht, log_index) WHERE bericht IS NOT NULL;

-- C2SP tlog-tiles of each logboek: level 0 once full, higher levels as they grow.
CREATE TABLE tegels (
    logboek BIGINT NOT NULL,
    niveau BIGINT NOT NULL,
    nummer BIGINT NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (logboek, niveau, nummer)
);

-- Every signed checkpoint ever issued, by the size of the tree of its logboek.
CREATE TABLE checkpoints (
    logboek BIGINT NOT NULL,
    grootte BIGINT NOT NULL,
    nota TEXT NOT NULL,
    PRIMARY KEY (logboek, grootte)
) WITHOUT ROWID;

-- What opens the commitments in a logregel, one row each: salt, value and keyed pseudonyms, sealed under a key that is not in this
-- database and bound to the leaf. Regels that follow in the same transaction and have the same commitment have no row of their own.
-- Erasing a row touches no leaf.
CREATE TABLE openingen (
    log_index BIGINT NOT NULL,
    veld TEXT NOT NULL,
    volgnummer BIGINT NOT NULL,
    verzegeld BLOB NOT NULL,
    PRIMARY KEY (log_index, veld, volgnummer)
) WITHOUT ROWID;

-- What is and was in force, verbatim: deelnemers and convenanten. Of each name the newest row counts; without tekst it was
-- withdrawn. A row counts only with the regel of its index, which names the document and carries its hash. tijd is that of the regel:
-- since when it counts, which decides which of two convenanten stamps.
CREATE TABLE documenten (
    log_index INTEGER PRIMARY KEY,
    soort TEXT NOT NULL,
    naam TEXT NOT NULL,
    tijd BIGINT NOT NULL,
    hash TEXT,
    tekst TEXT
);
-- The newest text of each name.
CREATE INDEX documenten_naam ON documenten (soort, naam, log_index);

-- Proposed changes of what is in force: the text of each document of a proposal, by the index of its regel `voorgesteld`, which carries its
-- hash; without tekst it is to be withdrawn.
CREATE TABLE voorstellen (
    log_index INTEGER PRIMARY KEY,
    tekst TEXT
);

-- What was decided about proposals, by the index of its regel. Who signs for a party: the signature, and the certificate (DER) with whose
-- key it was made; the regel carries the hash of the signature.
CREATE TABLE besluiten (
    log_index INTEGER PRIMARY KEY,
    handtekening BLOB,
    certificaat BLOB
);

-- The regels `openingen_gewist`, which list what was erased of `openingen`: whoever verifies knows from them what need not be there.
CREATE TABLE gewist (
    log_index INTEGER PRIMARY KEY
);

-- A bericht once, with its sealed content. (afzender_partner, request_id) makes a repeated send harmless.
CREATE TABLE berichten (
    id BLOB PRIMARY KEY,
    afzender_partner TEXT NOT NULL,
    afzender_loket TEXT NOT NULL,
    afzender_oin TEXT NOT NULL,
    request_id BLOB NOT NULL,
    berichtsoort TEXT NOT NULL,
    gesprek BLOB NOT NULL,
    in_antwoord_op BLOB,
    vervangt BLOB,
    verlenging BIGINT NOT NULL,
    betwist BIGINT NOT NULL,
    gewaarschuwd BIGINT NOT NULL,
    doelgroep TEXT,
    tijd BIGINT NOT NULL,
    wacht_tot BIGINT NOT NULL,
    spoor TEXT,
    vingerafdruk BLOB NOT NULL,
    herhaling BLOB NOT NULL,
    inhoud BLOB,
    UNIQUE (afzender_partner, request_id)
);
-- What was replaced is replaced once: a chain of renewals has no forks.
CREATE UNIQUE INDEX berichten_vervangt ON berichten (vervangt) WHERE vervangt IS NOT NULL;
-- The berichten of a gesprek.
CREATE INDEX berichten_gesprek ON berichten (gesprek, id);
-- The rectificaties of a bericht.
CREATE INDEX berichten_rectificatie ON berichten (in_antwoord_op, id) WHERE berichtsoort = 'rectificatie';
-- Scenario's of which nobody was warned yet that they lapse.
CREATE INDEX berichten_waarschuwen ON berichten (id) WHERE berichtsoort = 'scenario' AND gewaarschuwd = 0;

-- By what each betrokkene can be found: keyed pseudonyms. Erasing rows touches no leaf. Not indexed by pseudonym: who asks for all about
-- a person asks rarely and can wait, and an index in random order would cost each bericht some pages.
CREATE TABLE pseudoniemen (
    bericht BLOB NOT NULL REFERENCES berichten (id),
    volgnummer BIGINT NOT NULL,
    kenmerk TEXT NOT NULL,
    hoofdpersoon BIGINT NOT NULL,
    pseudoniem BLOB NOT NULL,
    PRIMARY KEY (bericht, volgnummer, kenmerk)
) WITHOUT ROWID;

-- Where a scenario can be found, as long as it has content: a search looks at its own loketten and at nothing else, so that
-- what others exchange about a person does not even show in the time it takes.
CREATE TABLE vindbaar (
    partner TEXT NOT NULL,
    loket TEXT NOT NULL,
    pseudoniem BLOB NOT NULL,
    bericht BLOB NOT NULL,
    PRIMARY KEY (partner, loket, pseudoniem, bericht)
) WITHOUT ROWID;
-- Where a bericht is found no more once it has ended.
CREATE INDEX vindbaar_bericht ON vindbaar (bericht, partner, loket);

-- A bericht for one ontvanger: its stamp, its wrapped key and where it stands.
-- toestand: by its name in `domain::Toestand`, with the drawing of how one follows another. `verplaatst_door` is the index of the regel
-- that moved it there; `beeindigd_door` of the one that ended its content, whose key is gone since. `lease_tot`: until when it is held
-- for the Ask or the receiver that it is with. Of what was refused at delivery: `weigering` is why, judged by the texts of
-- `beoordeeld_versie` on `beoordeeld_dag`; another version or day judges again.
CREATE TABLE postvak (
    log_index INTEGER PRIMARY KEY,
    bericht BLOB NOT NULL REFERENCES berichten (id),
    partner TEXT NOT NULL,
    loket TEXT NOT NULL,
    oin TEXT NOT NULL,
    grondslag TEXT NOT NULL,
    regel TEXT NOT NULL,
    convenant TEXT NOT NULL,
    verwerkingsactiviteit TEXT NOT NULL,
    houdbaar_tot_en_met TEXT NOT NULL,
    bewaar_inhoud TEXT NOT NULL,
    sleutel BLOB,
    in_antwoord_op BLOB,
    toestand TEXT NOT NULL,
    verplaatst_door BIGINT NOT NULL,
    beeindigd_door BIGINT,
    poging BIGINT NOT NULL,
    gelezen BIGINT NOT NULL,
    lease_tot BIGINT NOT NULL,
    weigering TEXT,
    beoordeeld_versie BIGINT NOT NULL DEFAULT 0,
    beoordeeld_dag TEXT NOT NULL DEFAULT '',
    bevestigd BIGINT,
    terugkoppeling_open BIGINT,
    vernietiging TEXT,
    UNIQUE (bericht, partner, loket)
);
-- One index each for what waits, what is held and what was refused: a partial index serves a query with its very condition. What is held
-- is looked through by when that ends, the others in the order of the logboek.
CREATE INDEX postvak_wacht ON postvak (partner, loket, log_index) WHERE toestand = 'wacht';
CREATE INDEX postvak_uitgereikt ON postvak (partner, loket, lease_tot) WHERE toestand IN ('gereserveerd', 'afgeleverd');
CREATE INDEX postvak_geweigerd ON postvak (partner, loket, log_index) WHERE toestand = 'geweigerd';
-- What ends next.
CREATE INDEX postvak_houdbaar ON postvak (houdbaar_tot_en_met, log_index)
    WHERE toestand IN ('wacht', 'gereserveerd', 'afgeleverd', 'bevestigd', 'geweigerd');
-- Consulted scenario's that wait for a terugkoppeling.
CREATE INDEX postvak_terugkoppeling ON postvak (terugkoppeling_open) WHERE terugkoppeling_open IS NOT NULL;
-- The answers to a verzoek.
CREATE INDEX postvak_antwoord ON postvak (in_antwoord_op) WHERE in_antwoord_op IS NOT NULL;

-- How many berichten of a postvak count as open: not confirmed, refused or ended, and not following another bericht.
CREATE TABLE postvakken (
    partner TEXT NOT NULL,
    loket TEXT NOT NULL,
    open BIGINT NOT NULL,
    PRIMARY KEY (partner, loket)
) WITHOUT ROWID;
