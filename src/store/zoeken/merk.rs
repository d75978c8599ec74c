//! Merk (mark): something by which a regel can be found.

use jiff::{Timestamp, civil::Weekday};

use crate::{
    domain::houdbaarheid::amsterdam,
    logboek::{Logregel, Soort},
    sleutels::{CommitmentOpening, Veld},
    store::reading::namen::Namen,
};

/// Of what a mark tells. The number stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Waarop {
    /// A partner that took part: sent, was sent to, or acted.
    Partij = 1,
    /// No partner took part.
    Algemeen,
    /// The partner that sent.
    Afzender,
    /// The partner that was sent to.
    Ontvanger,
    /// A loket that sent or was sent to: `partner/loket`.
    Loket,
    /// What happened.
    Soort,
    /// The kind of bericht.
    Berichtsoort,
    /// The grondslag.
    Grondslag,
    /// The rule.
    Regel,
    /// The convenant: the hash of its text.
    Convenant,
    /// The code of a weigering.
    Weigering,
    /// What came of it.
    Uitkomst,
    /// The bericht.
    Bericht,
    /// Its gesprek, also of what happened to the bericht later.
    Gesprek,
    /// The role of who acted.
    Rol,
    /// The last day of the content.
    Houdbaar,
    /// It happened outside office hours.
    BuitenKantooruren,
    /// The pseudonym of who acted.
    Medewerker,
    /// A pseudonym of whom it is about, also of what happened to the bericht later.
    Betrokkene,
    /// Somebody of toezicht looked: the partner whose FG or contactpunt did, or nothing.
    Kijker,
    /// The dossier of inzage.
    Dossier,
}

/// Something by which a regel can be found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Merk {
    /// Of what it tells.
    pub waarop: Waarop,
    /// What it tells.
    pub waarde: String,
}

impl Merk {
    /// A mark.
    pub fn new(waarop: Waarop, waarde: impl Into<String>) -> Self {
        Self { waarop, waarde: waarde.into() }
    }

    /// By the pseudonym of a person or an employee.
    #[must_use]
    pub fn pseudoniem(waarop: Waarop, pseudoniem: &[u8; 32]) -> Self {
        Self::new(waarop, hex::encode(pseudoniem))
    }
}

/// Whether something happened outside office hours: before 8.00, from 18.00 on, or in the weekend, Europe/Amsterdam. Holidays are days
/// like any other.
#[must_use]
pub fn outside_office_hours(moment: Timestamp) -> bool {
    let local = amsterdam(moment);
    !(8..18).contains(&local.hour()) || matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The marks that a regel has by itself.
pub(super) fn of_regel(log_index: u64, regel: &Logregel, namen: &Namen) -> Vec<Merk> {
    let name_of = |adres: &Option<String>| adres.as_ref().map(|adres| namen.adres(log_index, adres));
    let partner = |adres: &String| adres.split('/').next().unwrap_or_default().to_owned();
    let (afzender, ontvanger) = (name_of(&regel.afzender), name_of(&regel.ontvanger));
    let loketten = [&afzender, &ontvanger].map(|adres| adres.clone().filter(|adres| adres.contains('/')));
    let [from, to] = loketten;
    // A dossier is called after its first regel.
    let dossier = regel.dossier.or((regel.soort == Soort::InzageGevraagd).then_some(log_index));
    // The gateway has no office, and what it does by itself at night says nothing of anybody.
    let outside =
        regel.rol.as_deref().is_some_and(|rol| rol != "poort") && regel.tijd.parse().is_ok_and(outside_office_hours);
    let single = [
        (Waarop::Afzender, afzender.as_ref().map(partner)),
        (Waarop::Ontvanger, ontvanger.as_ref().map(partner)),
        (Waarop::Loket, from),
        (Waarop::Loket, to),
        (Waarop::Soort, Some(regel.soort.as_str().to_owned())),
        (Waarop::Berichtsoort, regel.berichtsoort.clone()),
        (Waarop::Grondslag, regel.grondslag.clone()),
        (Waarop::Regel, regel.regel.clone()),
        (Waarop::Convenant, regel.convenant.clone()),
        (Waarop::Weigering, regel.weigering.clone()),
        (Waarop::Uitkomst, regel.uitkomst.clone()),
        (Waarop::Bericht, regel.bericht.clone()),
        (Waarop::Gesprek, regel.gesprek.clone()),
        (Waarop::Rol, regel.rol.clone()),
        (Waarop::Houdbaar, regel.houdbaar_tot_en_met.clone()),
        (Waarop::BuitenKantooruren, outside.then(String::new)),
        (Waarop::Dossier, dossier.map(|nummer| nummer.to_string())),
    ];
    let mut marks: Vec<Merk> =
        single.into_iter().filter_map(|(waarop, waarde)| Some(Merk::new(waarop, waarde?))).collect();
    let partijen = namen.partijen(log_index, regel);
    if partijen.is_empty() {
        marks.push(Merk::new(Waarop::Algemeen, ""));
    }
    if matches!(regel.soort, Soort::Ingezien | Soort::Geexporteerd) {
        let of_partner = |rol: Option<&str>| matches!(rol, Some("fg" | "contact"));
        let actor = regel.actor.as_ref().filter(|_| of_partner(regel.rol.as_deref()));
        let partner = actor.and_then(|oin| namen.naam(log_index, oin));
        marks.push(Merk::new(Waarop::Kijker, ""));
        marks.extend(partner.map(|naam| Merk::new(Waarop::Kijker, naam.as_str())));
    }
    marks.extend(partijen.iter().map(|naam| Merk::new(Waarop::Partij, naam.as_str())));
    marks
}

/// The marks in what opens a commitment.
pub(super) fn of_opening(veld: Veld, opening: &CommitmentOpening) -> Vec<Merk> {
    let waarop = match veld {
        Veld::Medewerker => Waarop::Medewerker,
        Veld::Betrokkene => Waarop::Betrokkene,
        Veld::Reden | Veld::Besluit => return Vec::new(),
        // Who looked at a bericht is found by it.
        Veld::Bekeken => return opening.tekst.iter().map(|id| Merk::new(Waarop::Bericht, id)).collect(),
    };
    opening.pseudoniemen.iter().map(|(_, pseudoniem)| Merk::pseudoniem(waarop, pseudoniem)).collect()
}

/// Whether what is known of a bericht by this regel holds for what happens to the bericht later.
pub(super) fn begins_bericht(regel: &Logregel) -> bool {
    regel.soort == Soort::Aanvaard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_hours_are_those_of_amsterdam_in_winter_and_summer() {
        for (moment, outside) in [
            // Monday, 7.59 and 8.00, 17.59 and 18.00.
            ("2026-11-30T06:59:59Z", true),
            ("2026-11-30T07:00:00Z", false),
            ("2026-11-30T16:59:59Z", false),
            ("2026-11-30T17:00:00Z", true),
            // Summer time.
            ("2026-06-30T05:59:59Z", true),
            ("2026-06-30T06:00:00Z", false),
            ("2026-06-30T16:00:00Z", true),
            // Saturday, and the Sunday on which the clock goes back.
            ("2026-10-24T10:00:00Z", true),
            ("2026-10-25T10:00:00Z", true),
        ] {
            assert_eq!(outside_office_hours(moment.parse().unwrap()), outside, "{moment}");
        }
    }
}
