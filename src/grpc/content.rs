//! Checks of the fields of a bericht: every mistake at once, each with its path and what is asked, never with its value.
//!
//! Here what every bericht has; `soorten` what each berichtsoort has, `zichtbaar` whether a reader sees all of a text.

mod soorten;
mod zichtbaar;

use std::ops::RangeInclusive;

use jiff::{Timestamp, civil::Date};

use self::zichtbaar::is_visible;
use crate::{
    domain::{
        Berichtsoort, Bsn, Categorie, Feiten, Geboortedatum, Overtreding, Persoon, Telefoon, bericht::civil_date,
    },
    proto::{self, inhoud::Soort},
};

/// Collects what is wrong.
#[derive(Default)]
pub struct Checker(pub Vec<Overtreding>);

impl Checker {
    /// Notes a mistake.
    pub fn wrong(&mut self, veld: &str, uitleg: impl Into<String>) {
        self.0.push(Overtreding::new(veld, uitleg));
    }

    /// A text with so many characters and nothing that controls a terminal.
    pub fn text(&mut self, veld: &str, text: &str, length: RangeInclusive<usize>) {
        if !length.contains(&text.chars().count()) || (*length.start() > 0 && text.trim().is_empty()) {
            self.wrong(veld, format!("{} tot {} tekens", length.start(), length.end()));
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.wrong(veld, "geen stuurtekens");
        }
    }

    /// The same, of characters that a reader sees: for what one person writes and another one judges by.
    pub fn visible(&mut self, veld: &str, text: &str, length: RangeInclusive<usize>) {
        if is_visible(text) {
            self.text(veld, text, length);
        } else {
            self.wrong(veld, "alleen zichtbare tekens");
        }
    }

    /// The same on one line.
    pub fn line(&mut self, veld: &str, text: &str, length: RangeInclusive<usize>) {
        if text.contains(['\n', '\t']) {
            self.wrong(veld, "een enkele regel");
        } else {
            self.visible(veld, text, length);
        }
    }

    /// So many of something.
    pub fn count(&mut self, veld: &str, count: usize, range: RangeInclusive<usize>) {
        if !range.contains(&count) {
            self.wrong(veld, format!("{} tot {} keer", range.start(), range.end()));
        }
    }

    /// A day as 2026-11-30.
    pub fn date(&mut self, veld: &str, text: &str) -> Option<Date> {
        let day = civil_date(text);
        if day.is_none() {
            self.wrong(veld, "een dag als 2026-11-30");
        }
        day
    }

    fn moment(&mut self, veld: &str, text: &str) -> Option<Timestamp> {
        let moment = text.parse().ok();
        if moment.is_none() {
            self.wrong(veld, "een moment als 2026-11-22T16:00:00+01:00");
        }
        moment
    }

    /// A strafrechtsketennummer, where there is one.
    pub fn skn(&mut self, veld: &str, skn: Option<&str>) {
        if skn.is_some_and(|skn| !(7..=8).contains(&skn.len()) || !skn.bytes().all(|c| c.is_ascii_digit())) {
            self.wrong(veld, "7 of 8 cijfers");
        }
    }

    /// A burgerservicenummer, where there is one.
    pub fn bsn(&mut self, veld: &str, bsn: Option<&str>) -> Option<Bsn> {
        let parsed = bsn?.parse().ok();
        if parsed.is_none() {
            self.wrong(veld, "9 cijfers die aan de elfproef voldoen");
        }
        parsed
    }

    /// A choice that was made, from those that exist.
    pub fn choice<T: TryFrom<i32>>(&mut self, veld: &str, value: i32) {
        if value == 0 || T::try_from(value).is_err() {
            self.wrong(veld, "een van de waarden uit het proto-bestand, niet UNSPECIFIED");
        }
    }
}

/// Checks everything in a content; `None` where it has no berichtsoort at all.
pub fn check(inhoud: &proto::Inhoud, checker: &mut Checker) -> Option<Feiten> {
    let kind = inhoud.soort.as_ref().map(berichtsoort);
    let mut past_days = Vec::new();
    // What follows another bericht need not name its people again: a copy that was destroyed names nobody.
    let geboortedatum = if inhoud.betrokkenen.is_empty() && kind.is_some_and(Berichtsoort::follows) {
        None
    } else {
        betrokkenen(&inhoud.betrokkenen, &mut past_days, checker)
    };
    checker.text("inhoud.casusnummer_afzender", &inhoud.casusnummer_afzender, 1..=64);
    checker.text("inhoud.medewerker", &inhoud.medewerker, 1..=64);
    checker.choice::<proto::VerderVerstrekken>("inhoud.verder_verstrekken", inhoud.verder_verstrekken);
    match &inhoud.contact {
        Some(contact) => {
            checker.text("inhoud.contact.functie", &contact.functie, 1..=100);
            if contact.telefoon.parse::<Telefoon>().is_err() {
                checker.wrong("inhoud.contact.telefoon", "3 tot 20 cijfers, spaties, + of -");
            }
        }
        None => checker.wrong("inhoud.contact", "een functie en een telefoonnummer om terug te bellen"),
    }
    let peildatum = inhoud.peildatum.as_ref().and_then(|text| checker.date("inhoud.peildatum", text));
    past_days.extend(peildatum.map(|day| ("inhoud.peildatum".to_owned(), day)));
    let (Some(soort), Some(kind)) = (&inhoud.soort, kind) else {
        checker.wrong("inhoud", "precies een berichtsoort, zoals bekendheidscheck");
        return None;
    };
    let mut facts = Feiten {
        geboortedatum,
        personen: inhoud.betrokkenen.iter().map(persoon).collect(),
        bevat_bsn: inhoud.betrokkenen.iter().any(|betrokkene| betrokkene.bsn.is_some()),
        peildatum,
        categorie: categorie(soort),
        past_days,
        ..Feiten::new(kind)
    };
    soorten::check(soort, &mut facts, checker);
    if matches!(soort, Soort::Contextinformatie(_) | Soort::Scenario(_) | Soort::Verrijking(_))
        && inhoud.peildatum.is_none()
    {
        checker.wrong("inhoud.peildatum", "de dag waarop de inhoud waar was; verplicht bij deze berichtsoort");
    }
    Some(facts)
}

/// The kind of bericht that a content is.
#[must_use]
pub fn berichtsoort(soort: &Soort) -> Berichtsoort {
    match soort {
        Soort::Bekendheidscheck(_) => Berichtsoort::Bekendheidscheck,
        Soort::Bekendheidsantwoord(_) => Berichtsoort::Bekendheidsantwoord,
        Soort::Contextinformatieverzoek(_) => Berichtsoort::Contextinformatieverzoek,
        Soort::Contextinformatie(_) => Berichtsoort::Contextinformatie,
        Soort::Scenario(_) => Berichtsoort::Scenario,
        Soort::Terugkoppeling(_) => Berichtsoort::Terugkoppeling,
        Soort::Melding18b(_) => Berichtsoort::Melding18b,
        Soort::BijMelding(_) => Berichtsoort::BijMelding,
        Soort::Verrijkingsverzoek(_) => Berichtsoort::Verrijkingsverzoek,
        Soort::Verrijking(_) => Berichtsoort::Verrijking,
        Soort::Buikpijnmelding(_) => Berichtsoort::Buikpijnmelding,
        Soort::Buikpijnbesluit(_) => Berichtsoort::Buikpijnbesluit,
        Soort::Afdoeningsbericht(_) => Berichtsoort::Afdoeningsbericht,
        Soort::Reintegratiebericht(_) => Berichtsoort::Reintegratiebericht,
        Soort::Aanmelding(_) => Berichtsoort::Aanmelding,
        Soort::Triagebesluit(_) => Berichtsoort::Triagebesluit,
        Soort::Opschaling(_) => Berichtsoort::Opschaling,
        Soort::Afschaling(_) => Berichtsoort::Afschaling,
        Soort::MondelingeVerstrekking(_) => Berichtsoort::MondelingeVerstrekking,
        Soort::Rectificatie(_) => Berichtsoort::Rectificatie,
        Soort::Rectificatiebevestiging(_) => Berichtsoort::Rectificatiebevestiging,
        Soort::Vernietigingsverzoek(_) => Berichtsoort::Vernietigingsverzoek,
        Soort::Vernietigingsbevestiging(_) => Berichtsoort::Vernietigingsbevestiging,
        Soort::Vervalwaarschuwing(_) => Berichtsoort::Vervalwaarschuwing,
        Soort::Vervalmelding(_) => Berichtsoort::Vervalmelding,
        Soort::Schademelding(_) => Berichtsoort::Schademelding,
    }
}

/// The category that a content names, where its berichtsoort has one.
fn categorie(soort: &Soort) -> Option<Categorie> {
    use proto::{BijCategorie, SoortRisico};
    match soort {
        Soort::Melding18b(melding) => match melding.soort_risico() {
            SoortRisico::Unspecified => None,
            SoortRisico::ErnstigGeweld => Some(Categorie::ErnstigGeweld),
            SoortRisico::Zeden => Some(Categorie::Zeden),
        },
        Soort::BijMelding(melding) => match melding.categorie() {
            BijCategorie::Unspecified => None,
            BijCategorie::ErnstigGeweld => Some(Categorie::ErnstigGeweld),
            BijCategorie::Zeden => Some(Categorie::Zeden),
        },
        _ => None,
    }
}

/// A betrokkene as it can be found.
fn persoon(betrokkene: &proto::Betrokkene) -> Persoon {
    Persoon {
        skn: betrokkene.skn.clone(),
        bsn: betrokkene.bsn.as_ref().and_then(|bsn| bsn.parse().ok()),
        naam: betrokkene.naam.clone(),
        geboortedatum: betrokkene.geboortedatum.clone(),
        hoofdpersoon: betrokkene.rol() == proto::BetrokkeneRol::Hoofdpersoon,
    }
}

fn betrokkenen(
    betrokkenen: &[proto::Betrokkene],
    past_days: &mut Vec<(String, Date)>,
    checker: &mut Checker,
) -> Option<Geboortedatum> {
    checker.count("inhoud.betrokkenen", betrokkenen.len(), 1..=16);
    let mut hoofdpersonen = Vec::new();
    for (at, betrokkene) in betrokkenen.iter().take(16).enumerate() {
        let veld = |name: &str| format!("inhoud.betrokkenen[{at}].{name}");
        checker.choice::<proto::BetrokkeneRol>(&veld("rol"), betrokkene.rol);
        checker.text(&veld("naam"), &betrokkene.naam, 1..=200);
        let born = betrokkene.geboortedatum.parse::<Geboortedatum>().ok();
        if born.is_none() {
            checker.wrong(
                &veld("geboortedatum"),
                "een datum vanaf 1900 als 1987-05-12, 1987-05 of 1987, of 0000 als het jaar onbekend is",
            );
        }
        past_days.extend(born.map(|born| (veld("geboortedatum"), born.earliest())));
        checker.skn(&veld("skn"), betrokkene.skn.as_deref());
        checker.bsn(&veld("bsn"), betrokkene.bsn.as_deref());
        if betrokkene.rol == proto::BetrokkeneRol::Hoofdpersoon as i32 {
            hoofdpersonen.push(born);
        }
    }
    if hoofdpersonen.len() != 1 && !betrokkenen.is_empty() {
        checker.wrong("inhoud.betrokkenen", "precies een hoofdpersoon");
    }
    hoofdpersonen.into_iter().next().flatten()
}
