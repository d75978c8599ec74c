//! What a transaction is about to change of berichten and their rows, written together.
//!
//! A row is written back as a whole, so that one statement serves whatever happened to it. With PostgreSQL the statements of a
//! script are parts of one statement, which may not change a row twice. So the existing rows of a table are changed by one
//! statement alone.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    new::{NewBericht, insert},
    rij::{PostvakRij, Refused},
};
use crate::{
    domain::{Adres, BerichtId, Toestand, Vernietiging},
    store::{
        database::rows::{Cell, Column, Rows, Script},
        values::{int, micros},
    },
};

/// What is about to be written.
#[derive(Default)]
pub(in crate::store) struct Changes {
    /// What was accepted.
    pub(in crate::store) new: Vec<NewBericht>,
    rows: BTreeMap<u64, Row>,
    berichten: BTreeMap<BerichtId, OfBericht>,
    /// Scenario's that a search no longer finds, each at one postvak.
    forgotten: Vec<(BerichtId, Adres)>,
}

/// What can change of a row.
struct Row {
    toestand: Toestand,
    moved_by: u64,
    ended_by: Option<u64>,
    poging: u32,
    gelezen: bool,
    held_until: Timestamp,
    refused: Option<Refused>,
    bevestigd: Option<Timestamp>,
    terugkoppeling_open: Option<Timestamp>,
    vernietiging: Option<Vernietiging>,
}

/// What can change of a bericht.
#[derive(Default)]
pub(in crate::store) struct OfBericht {
    /// Whether its afzender need not be warned any more that it lapses.
    pub(in crate::store) is_warned: bool,
    /// Whether no Ask waits for its answers any more.
    pub(in crate::store) ask_ended: bool,
    /// Whether no ontvanger can read it any more; then its sealed bytes go.
    pub(in crate::store) is_unreadable: bool,
}

impl Changes {
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.rows.is_empty() && self.berichten.is_empty() && self.forgotten.is_empty()
    }

    /// Notes all that can change of a row.
    pub(in crate::store) fn row(&mut self, rij: &PostvakRij) {
        let row = Row {
            toestand: rij.toestand,
            moved_by: rij.moved_by,
            ended_by: rij.ended_by,
            poging: rij.poging,
            gelezen: rij.gelezen,
            held_until: rij.held_until,
            refused: rij.refused.clone(),
            bevestigd: rij.bevestigd,
            terugkoppeling_open: rij.terugkoppeling_open,
            vernietiging: rij.vernietiging,
        };
        self.rows.insert(rij.log_index, row);
    }

    /// What changes of a bericht.
    pub(in crate::store) fn bericht(&mut self, bericht: BerichtId) -> &mut OfBericht {
        self.berichten.entry(bericht).or_default()
    }

    /// Notes that a search no longer finds a scenario at this postvak.
    pub(in crate::store) fn forget(&mut self, bericht: BerichtId, adres: Adres) {
        self.forgotten.push((bericht, adres));
    }

    /// Writes all of it.
    pub(in crate::store) fn write(self, script: &mut Script) {
        const FORGOTTEN: [Column<'_>; 3] = [Column::Bytes("bericht"), Column::Text("partner"), Column::Text("loket")];
        insert(script, &self.new);
        write_rows(script, self.rows);
        write_berichten(script, self.berichten);
        let forgotten = Rows::of(&FORGOTTEN, self.forgotten, |(bericht, adres)| {
            [id(bericht), adres.partner.as_str().into(), adres.loket.as_str().into()]
        });
        script.statement(
            "DELETE FROM vindbaar WHERE (bericht, partner, loket) IN (SELECT v.bericht, v.partner, v.loket FROM {v})",
            forgotten,
        );
    }
}

fn write_rows(script: &mut Script, rows: BTreeMap<u64, Row>) {
    const COLUMNS: [Column<'_>; 13] = [
        Column::Int("log_index"),
        Column::Text("toestand"),
        Column::Int("verplaatst_door"),
        Column::Int("beeindigd_door"),
        Column::Int("poging"),
        Column::Int("gelezen"),
        Column::Int("lease_tot"),
        Column::Text("weigering"),
        Column::Int("beoordeeld_versie"),
        Column::Text("beoordeeld_dag"),
        Column::Int("bevestigd"),
        Column::Int("terugkoppeling_open"),
        Column::Text("vernietiging"),
    ];
    let cells = |(log_index, row): (u64, Row)| {
        let (code, versie, dag) = match row.refused {
            Some(Refused { code, versie, dag }) => (code.into(), int(versie), dag.to_string()),
            None => (Cell::Null, 0, String::new()),
        };
        [
            int(log_index).into(),
            row.toestand.as_str().into(),
            int(row.moved_by).into(),
            row.ended_by.map(int).into(),
            i64::from(row.poging).into(),
            i64::from(row.gelezen).into(),
            micros(row.held_until).into(),
            code,
            versie.into(),
            dag.into(),
            row.bevestigd.map(micros).into(),
            row.terugkoppeling_open.map(micros).into(),
            row.vernietiging.map(Vernietiging::as_str).into(),
        ]
    };
    script.statement(
        "UPDATE postvak SET toestand = v.toestand, verplaatst_door = v.verplaatst_door, beeindigd_door = v.beeindigd_door, \
         poging = v.poging, gelezen = v.gelezen, lease_tot = v.lease_tot, weigering = v.weigering, \
         beoordeeld_versie = v.beoordeeld_versie, beoordeeld_dag = v.beoordeeld_dag, bevestigd = v.bevestigd, \
         terugkoppeling_open = v.terugkoppeling_open, vernietiging = v.vernietiging, \
         sleutel = CASE WHEN v.beeindigd_door IS NULL THEN postvak.sleutel END \
         FROM {v} WHERE postvak.log_index = v.log_index",
        Rows::of(&COLUMNS, rows, cells),
    );
}

fn write_berichten(script: &mut Script, berichten: BTreeMap<BerichtId, OfBericht>) {
    const COLUMNS: [Column<'_>; 4] =
        [Column::Bytes("bericht"), Column::Int("gewaarschuwd"), Column::Int("wacht_niet"), Column::Int("onleesbaar")];
    let cells = |(bericht, of): (BerichtId, OfBericht)| {
        [
            id(bericht),
            i64::from(of.is_warned).into(),
            i64::from(of.ask_ended).into(),
            i64::from(of.is_unreadable).into(),
        ]
    };
    script.statement(
        "UPDATE berichten SET gewaarschuwd = CASE v.gewaarschuwd WHEN 1 THEN 1 ELSE berichten.gewaarschuwd END, \
         wacht_tot = CASE v.wacht_niet WHEN 1 THEN 0 ELSE berichten.wacht_tot END, \
         inhoud = CASE v.onleesbaar WHEN 1 THEN NULL ELSE berichten.inhoud END FROM {v} WHERE berichten.id = v.bericht",
        Rows::of(&COLUMNS, berichten, cells),
    );
}

fn id(bericht: BerichtId) -> Cell {
    bericht.0.as_bytes().as_slice().into()
}
