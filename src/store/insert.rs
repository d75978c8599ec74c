//! The rows of accepted berichten, many a statement.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    accept::{Accept, Pseudoniem},
    int,
    rows::{Cell, Column, Rows, Script},
    toestand::Toestand,
};
use crate::domain::{Adres, BerichtId, Berichtsoort, Doelgroep, Kenmerk};

/// An accepted bericht, to be written.
pub(super) struct NewBericht {
    /// What was accepted.
    pub(super) accept: Arc<Accept>,
    /// When, microseconds.
    pub(super) micros: i64,
    /// Index of the regel of each ontvanger.
    pub(super) log_indexes: Vec<u64>,
    /// Until when it is reserved for a waiting Ask, microseconds; 0 when it is not.
    pub(super) reserved_until: i64,
}

/// Writes them.
pub(super) fn insert(script: &mut Script, new: &[NewBericht]) {
    script.insert("berichten", Rows::of(&BERICHTEN, new, bericht), "");
    let marks = new.iter().flat_map(|new| new.accept.pseudoniemen.iter().map(|mark| (new.accept.id, mark)));
    script.insert("pseudoniemen", Rows::of(&PSEUDONIEMEN, marks, pseudoniem), "");
    let ontvangers = new.iter().flat_map(|new| (0..new.log_indexes.len()).map(move |at| (new, at)));
    script.insert("postvak", Rows::of(&POSTVAK, ontvangers, ontvanger), "");
    // Two betrokkenen can share a mark.
    let places: BTreeSet<(Adres, [u8; 32], BerichtId)> = new.iter().flat_map(vindbaar).collect();
    let place = |(adres, pseudoniem, bericht): (Adres, [u8; 32], BerichtId)| {
        [adres.partner.as_str().into(), adres.loket.as_str().into(), pseudoniem.as_slice().into(), id(bericht)]
    };
    script.insert("vindbaar", Rows::of(&VINDBAAR, places, place), "");
}

const BERICHTEN: [Column<'_>; 18] = [
    Column::Bytes("id"),
    Column::Text("afzender_partner"),
    Column::Text("afzender_loket"),
    Column::Text("afzender_oin"),
    Column::Bytes("request_id"),
    Column::Text("berichtsoort"),
    Column::Bytes("gesprek"),
    Column::Bytes("in_antwoord_op"),
    Column::Bytes("vervangt"),
    Column::Int("verlenging"),
    Column::Int("betwist"),
    Column::Int("gewaarschuwd"),
    Column::Text("doelgroep"),
    Column::Int("tijd"),
    Column::Int("wacht_tot"),
    Column::Bytes("vingerafdruk"),
    Column::Bytes("herhaling"),
    Column::Bytes("inhoud"),
];

fn bericht(NewBericht { accept, micros, .. }: &NewBericht) -> [Cell; 18] {
    let (toegelaten, bericht) = (&accept.toegelaten, accept.toegelaten.bericht());
    [
        id(accept.id),
        toegelaten.afzender().partner.as_str().into(),
        toegelaten.afzender().loket.as_str().into(),
        toegelaten.identiteit().oin.as_str().into(),
        bericht.request_id.as_bytes().as_slice().into(),
        accept.soort().as_str().into(),
        id(accept.gesprek),
        bericht.in_antwoord_op.map(id).into(),
        bericht.vervangt.map(id).into(),
        i64::from(toegelaten.verlenging()).into(),
        i64::from(bericht.feiten.betwist).into(),
        Cell::Int(0),
        toegelaten.doelgroep().map(Doelgroep::as_str).into(),
        (*micros).into(),
        accept.wacht_tot.into(),
        accept.vingerafdruk.as_slice().into(),
        accept.herhaling.as_slice().into(),
        accept.inhoud.as_slice().into(),
    ]
}

const PSEUDONIEMEN: [Column<'_>; 5] = [
    Column::Bytes("bericht"),
    Column::Int("volgnummer"),
    Column::Text("kenmerk"),
    Column::Int("hoofdpersoon"),
    Column::Bytes("pseudoniem"),
];

fn pseudoniem((bericht, mark): (BerichtId, &Pseudoniem)) -> [Cell; 5] {
    [
        id(bericht),
        i64::try_from(mark.volgnummer).expect("a bericht has at most 16 betrokkenen").into(),
        mark.kenmerk.as_str().into(),
        i64::from(mark.hoofdpersoon).into(),
        mark.pseudoniem.as_slice().into(),
    ]
}

const POSTVAK: [Column<'_>; 18] = [
    Column::Int("log_index"),
    Column::Bytes("bericht"),
    Column::Text("partner"),
    Column::Text("loket"),
    Column::Text("oin"),
    Column::Text("grondslag"),
    Column::Text("regel"),
    Column::Text("convenant"),
    Column::Text("verwerkingsactiviteit"),
    Column::Text("houdbaar_tot_en_met"),
    Column::Text("bewaar_inhoud"),
    Column::Bytes("sleutel"),
    Column::Bytes("in_antwoord_op"),
    Column::Int("toestand"),
    Column::Int("stand"),
    Column::Int("poging"),
    Column::Int("gelezen"),
    Column::Int("lease_tot"),
];

fn ontvanger((new, at): (&NewBericht, usize)) -> [Cell; 18] {
    let NewBericht { accept, micros, log_indexes, reserved_until } = new;
    let (adres, stempel) = &accept.toegelaten.stempels()[at];
    let (oin, sleutel) = &accept.sleutels[at];
    // An answer to a waiting Ask is reserved for it: as if leased, never handed out.
    let toestand = if reserved_until > micros { Toestand::Afgeleverd } else { Toestand::Wacht };
    [
        int(log_indexes[at]).into(),
        id(accept.id),
        adres.partner.as_str().into(),
        adres.loket.as_str().into(),
        oin.as_str().into(),
        stempel.grondslag.as_str().into(),
        stempel.regel.as_str().into(),
        stempel.convenant.as_str().into(),
        stempel.verwerkingsactiviteit.as_str().into(),
        stempel.houdbaar_tot_en_met.to_string().into(),
        stempel.bewaar_inhoud.as_str().into(),
        sleutel.as_slice().into(),
        accept.toegelaten.bericht().in_antwoord_op.map(id).into(),
        (toestand as i64).into(),
        int(log_indexes[at]).into(),
        Cell::Int(0),
        Cell::Int(0),
        (*reserved_until).into(),
    ]
}

const VINDBAAR: [Column<'_>; 4] =
    [Column::Text("partner"), Column::Text("loket"), Column::Bytes("pseudoniem"), Column::Bytes("bericht")];

/// Where a scenario can be found.
fn vindbaar(new: &NewBericht) -> Vec<(Adres, [u8; 32], BerichtId)> {
    let accept = &new.accept;
    if accept.soort() != Berichtsoort::Scenario {
        return Vec::new();
    }
    let marks = accept.pseudoniemen.iter().filter(|mark| mark.kenmerk != Kenmerk::Naam);
    let at = |mark: &Pseudoniem| {
        let pseudoniem = mark.pseudoniem;
        accept.toegelaten.stempels().iter().map(move |(adres, _)| (adres.clone(), pseudoniem, accept.id))
    };
    marks.flat_map(at).collect()
}

fn id(bericht: BerichtId) -> Cell {
    bericht.0.as_bytes().as_slice().into()
}
