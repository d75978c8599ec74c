//! A new bericht: sealed and ready to be written, and the rows that it becomes.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

use super::actor::Actor;
use crate::{
    domain::{
        Adres, BerichtId, Berichtsoort, Doelgroep, Kenmerk, Ontvanger, PartnerNaam, Toegelaten, Toestand,
        persoon::Pseudoniemen,
    },
    logboek::Logregel,
    store::{
        database::rows::{Cell, Column, Rows, Script},
        ledger::append::Committed,
        values::{int, micros},
    },
};

/// Which request: whose, and its `request_id`.
pub(in crate::store) type Request = (PartnerNaam, Uuid);

/// An admitted bericht, sealed and ready to be written.
pub struct Accept {
    /// Its new id.
    pub id: BerichtId,
    /// The thread it belongs to.
    pub gesprek: BerichtId,
    /// The admission.
    pub toegelaten: Toegelaten,
    /// Who sends it, for what it changes of earlier berichten.
    pub actor: Actor,
    /// The pseudonyms of each betrokkene, one after the other.
    pub personen: Vec<Pseudoniemen>,
    /// Each ontvanger, in the order of the admission.
    pub ontvangers: Vec<AcceptOntvanger>,
    /// The employee, as committed to in their regels.
    pub medewerker: Option<Committed>,
    /// Each betrokkene, likewise.
    pub betrokkenen: Vec<Committed>,
    /// Fingerprint of the request under the key in `herhaling`.
    pub vingerafdruk: Vec<u8>,
    /// What a repeated request needs, sealed under the key of the last day of all stamps.
    pub herhaling: Vec<u8>,
    /// The sealed content.
    pub inhoud: Vec<u8>,
    /// The salt of the commitment to the content, which its afzender gets with the receipt. It lies inside what is sealed.
    pub inhoud_zout: [u8; 32],
    /// Until when an `Ask` waits for answers, if one does.
    pub asked_until: Option<Timestamp>,
    /// Where it belongs in the telemetry: `traceparent` of the call that sent it.
    pub spoor: Option<String>,
    /// How many open berichten a postvak holds. What follows another bericht is let in all the same.
    pub postvak_limit: u64,
}

/// A new bericht for one ontvanger.
pub struct AcceptOntvanger {
    /// Who, and its stamp.
    pub ontvanger: Ontvanger,
    /// The key of the content, wrapped for this ontvanger.
    pub sleutel: Vec<u8>,
    /// Its regel `aanvaard`.
    pub regel: Logregel,
}

impl Accept {
    pub(in crate::store) fn soort(&self) -> Berichtsoort {
        self.toegelaten.bericht().feiten.soort
    }

    /// Which request it makes a bericht of: whose, and its `request_id`.
    pub(in crate::store) fn request(&self) -> Request {
        (self.toegelaten.afzender().partner.clone(), self.toegelaten.bericht().request_id)
    }

    /// Its addresses.
    pub(in crate::store) fn adressen(&self) -> impl Iterator<Item = &Adres> {
        self.ontvangers.iter().map(|of| &of.ontvanger.adres)
    }

    /// The postvakken in which it counts as open. What follows another bericht is let in all the same.
    pub(in crate::store) fn counted(&self) -> impl Iterator<Item = &Adres> {
        self.adressen().filter(|_| !self.soort().follows())
    }

    /// The earlier bericht by which it is judged: the one that it replaces, answers or follows. What the gateway itself makes is
    /// not judged so, but for a vervalwaarschuwing: there must still be something to warn of.
    pub(in crate::store) fn judged_after(&self) -> Option<BerichtId> {
        let bericht = self.toegelaten.bericht();
        let asks = !self.soort().from_gateway() || self.soort() == Berichtsoort::Vervalwaarschuwing;
        bericht.vervangt.or(bericht.in_antwoord_op).filter(|_| asks)
    }
}

/// An accepted bericht, to be written.
pub(in crate::store) struct NewBericht {
    /// What was accepted.
    pub(in crate::store) accept: Arc<Accept>,
    /// When.
    pub(in crate::store) tijd: Timestamp,
    /// Index of the regel of its first ontvanger; those of the others follow.
    pub(in crate::store) first: u64,
    /// Until when it is kept for an Ask that waits for it, if one does.
    pub(in crate::store) reserved_until: Option<Timestamp>,
}

/// Adds to a script what writes them.
pub(in crate::store) fn insert(script: &mut Script, new: &[NewBericht]) {
    script.insert("berichten", Rows::of(&BERICHTEN, new, bericht), "");
    script.insert("pseudoniemen", Rows::of(&PSEUDONIEMEN, new.iter().flat_map(marks), pseudoniem), "");
    let ontvangers = new.iter().flat_map(|new| (new.first..).zip(&new.accept.ontvangers).map(move |of| (new, of)));
    script.insert("postvak", Rows::of(&POSTVAK, ontvangers, ontvanger), "");
    // Two betrokkenen can share a mark.
    let places: BTreeSet<(Adres, [u8; 32], BerichtId)> = new.iter().flat_map(vindbaar).collect();
    let place = |(adres, pseudoniem, bericht): (Adres, [u8; 32], BerichtId)| {
        [adres.partner.as_str().into(), adres.loket.as_str().into(), pseudoniem.as_slice().into(), id(bericht)]
    };
    script.insert("vindbaar", Rows::of(&VINDBAAR, places, place), "");
}

const BERICHTEN: [Column<'_>; 19] = [
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
    Column::Text("spoor"),
    Column::Bytes("vingerafdruk"),
    Column::Bytes("herhaling"),
    Column::Bytes("inhoud"),
];

fn bericht(NewBericht { accept, tijd, .. }: &NewBericht) -> [Cell; 19] {
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
        micros(*tijd).into(),
        accept.asked_until.map_or(0, micros).into(),
        accept.spoor.as_deref().into(),
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

/// A mark of a betrokkene, with its bericht and its place there.
type Mark = (BerichtId, i64, bool, (Kenmerk, [u8; 32]));

fn marks(NewBericht { accept, .. }: &NewBericht) -> impl Iterator<Item = Mark> {
    let bericht = accept.id;
    (0..).zip(&accept.personen).flat_map(move |(volgnummer, of)| {
        of.kenmerken.iter().map(move |mark| (bericht, volgnummer, of.hoofdpersoon, *mark))
    })
}

fn pseudoniem((bericht, volgnummer, hoofdpersoon, (kenmerk, pseudoniem)): Mark) -> [Cell; 5] {
    [
        id(bericht),
        volgnummer.into(),
        kenmerk.as_str().into(),
        i64::from(hoofdpersoon).into(),
        pseudoniem.as_slice().into(),
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
    Column::Text("toestand"),
    Column::Int("verplaatst_door"),
    Column::Int("poging"),
    Column::Int("gelezen"),
    Column::Int("lease_tot"),
];

fn ontvanger((new, (log_index, of)): (&NewBericht, (u64, &AcceptOntvanger))) -> [Cell; 18] {
    let NewBericht { accept, reserved_until, .. } = new;
    let AcceptOntvanger { ontvanger: Ontvanger { adres, oin, stempel }, sleutel, .. } = of;
    let toestand = if reserved_until.is_some() { Toestand::Gereserveerd } else { Toestand::Wacht };
    [
        int(log_index).into(),
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
        toestand.as_str().into(),
        int(log_index).into(),
        Cell::Int(0),
        Cell::Int(0),
        reserved_until.map_or(0, micros).into(),
    ]
}

const VINDBAAR: [Column<'_>; 4] =
    [Column::Text("partner"), Column::Text("loket"), Column::Bytes("pseudoniem"), Column::Bytes("bericht")];

/// Where a scenario can be found.
fn vindbaar(NewBericht { accept, .. }: &NewBericht) -> Vec<(Adres, [u8; 32], BerichtId)> {
    if accept.soort() != Berichtsoort::Scenario {
        return Vec::new();
    }
    let marks = accept.personen.iter().flat_map(|of| &of.kenmerken).filter(|(kenmerk, _)| *kenmerk != Kenmerk::Naam);
    let at = |(_, pseudoniem): &(Kenmerk, [u8; 32])| {
        let pseudoniem = *pseudoniem;
        accept.adressen().map(move |adres| (adres.clone(), pseudoniem, accept.id))
    };
    marks.flat_map(at).collect()
}

fn id(bericht: BerichtId) -> Cell {
    bericht.0.as_bytes().as_slice().into()
}
