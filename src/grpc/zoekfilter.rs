//! What toezicht asks, parsed: each wrong field named at once.

use jiff::civil::Date;
use prost::Message;

use super::{content::Checker, convert};
use crate::{
    domain::{BerichtId, Berichtsoort, Vernietiging, Weigering},
    exchange::{
        RedenIntrekking,
        toezicht::{
            Inzage,
            zoek::{Zoekfilter, Zoekopdracht, Zoekveld},
        },
    },
    logboek::Soort,
    proto,
};

/// What is followed: a filter without a period.
pub(super) fn followed(filter: Option<proto::Zoekfilter>, inzage: &Inzage) -> Result<Zoekfilter, Weigering> {
    let mut checker = Checker::default();
    let filter = filter.unwrap_or_default();
    if !filter.van.is_empty() || !filter.tot_en_met.is_empty() {
        checker.wrong("filter.van", "geen periode: volgen gaat over wat nog geschreven wordt");
    }
    reason(&filter, inzage.reden.as_deref(), &mut checker);
    let filter = zoekfilter(filter, &mut checker);
    if checker.0.is_empty() { Ok(filter) } else { Err(Weigering::OngeldigVeld(checker.0)) }
}

/// Who searches for a person or an employee says why.
fn reason(filter: &proto::Zoekfilter, reden: Option<&str>, checker: &mut Checker) {
    let takes_reason = filter.betrokkene.is_some() || !filter.medewerker.is_empty();
    if takes_reason && reden.is_none_or(|reden| reden.trim().is_empty()) {
        checker.wrong("inzage.reden", "waarom u naar deze persoon zoekt");
    }
}

/// Logregels in a page, at most, and where nothing is asked.
const MOST_IN_PAGE: u32 = 500;
const IN_PAGE: u32 = 100;
/// Values of one field, at most.
const MOST_VALUES: usize = 100;
/// Days that a search goes over, at most.
const MOST_DAYS: i32 = 3660;

/// What is searched for, each wrong field named at once.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn opdracht(request: &proto::SearchLogregelsRequest) -> Result<Zoekopdracht, Weigering> {
    let mut checker = Checker::default();
    let filter = request.filter.clone().unwrap_or_default();
    let gevraagd = filter.encode_to_vec();
    if request.pagina_grootte > MOST_IN_PAGE {
        checker.wrong("pagina_grootte", format!("hoogstens {MOST_IN_PAGE}"));
    }
    reason(&filter, request.inzage.as_ref().map(|inzage| inzage.reden.as_str()), &mut checker);
    let filter = zoekfilter(filter, &mut checker);
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    Ok(Zoekopdracht {
        filter,
        gevraagd,
        grootte: usize::try_from(if request.pagina_grootte == 0 { IN_PAGE } else { request.pagina_grootte })
            .unwrap_or(usize::MAX),
        pagina: Some(request.pagina.clone()).filter(|pagina| !pagina.is_empty()),
        nieuwste_eerst: request.nieuwste_eerst,
    })
}

/// What is searched for, checked.
pub fn zoekfilter(filter: proto::Zoekfilter, checker: &mut Checker) -> Zoekfilter {
    let (van, tot_en_met) = days(checker, ("filter.van", &filter.van), ("filter.tot_en_met", &filter.tot_en_met));
    let (houdbaar_van, houdbaar_tot_en_met) = days(
        checker,
        ("filter.houdbaar_van", &filter.houdbaar_van),
        ("filter.houdbaar_tot_en_met", &filter.houdbaar_tot_en_met),
    );
    let fields = [
        (Zoekveld::Afzender, "afzender", filter.afzender),
        (Zoekveld::Ontvanger, "ontvanger", filter.ontvanger),
        (Zoekveld::Loket, "loket", filter.loket),
        (Zoekveld::Soort, "soort", filter.soort),
        (Zoekveld::Berichtsoort, "berichtsoort", filter.berichtsoort),
        (Zoekveld::Grondslag, "grondslag", filter.grondslag),
        (Zoekveld::Regel, "regel", filter.regel),
        (Zoekveld::Weigering, "weigering", filter.weigering),
        (Zoekveld::Uitkomst, "uitkomst", filter.uitkomst),
        (Zoekveld::Bericht, "bericht", filter.bericht),
        (Zoekveld::Gesprek, "gesprek", filter.gesprek),
        (Zoekveld::Rol, "rol", filter.rol),
    ];
    let mut velden = Vec::new();
    for (veld, name, values) in fields {
        if !values.is_empty() {
            values_of(checker, name, &values);
            velden.push((veld, values.iter().map(|value| known(checker, veld, name, value)).collect()));
        }
    }
    values_of(checker, "partner", &filter.partner);
    values_of(checker, "convenant", &filter.convenant);
    let partner = filter.partner.iter().filter_map(|naam| {
        let parsed = naam.parse().ok();
        if parsed.is_none() {
            checker.wrong("filter.partner", "namen van partners: kleine letters, cijfers en streepjes");
        }
        parsed
    });
    let partner = partner.collect();
    if !filter.medewerker.is_empty() {
        checker.text("filter.medewerker", &filter.medewerker, 1..=64);
    }
    Zoekfilter {
        van,
        tot_en_met,
        partner,
        convenant: filter.convenant,
        velden,
        houdbaar_van,
        houdbaar_tot_en_met,
        buiten_kantooruren: filter.buiten_kantooruren,
        medewerker: Some(filter.medewerker).filter(|medewerker| !medewerker.is_empty()),
        betrokkene: filter.betrokkene.as_ref().map(|persoon| convert::zoekpersoon(persoon, checker)),
    }
}

/// A value as it stands in a logregel. One that can stand in none is told: nothing found must not be a typing error.
fn known(checker: &mut Checker, veld: Zoekveld, name: &str, value: &str) -> String {
    let (right, asked) = match veld {
        Zoekveld::Soort => {
            let right = Soort::ALL.iter().any(|soort| soort.as_str() == value);
            (right.then(|| value.to_owned()), "een soort, zoals geweigerd")
        }
        Zoekveld::Berichtsoort => {
            (value.parse::<Berichtsoort>().ok().map(|soort| soort.to_string()), "een berichtsoort, zoals scenario")
        }
        Zoekveld::Rol => (
            ROLLEN.contains(&value).then(|| value.to_owned()),
            "partner, fg, auditor, beheer, tekent, contact of poort",
        ),
        Zoekveld::Bericht | Zoekveld::Gesprek => {
            (value.parse::<BerichtId>().ok().map(|id| id.to_string()), "de id van een bericht")
        }
        Zoekveld::Loket => {
            let right = value.split_once('/').is_some_and(|(partner, loket)| !partner.is_empty() && !loket.is_empty());
            (right.then(|| value.to_owned()), "een adres, zoals zsm/jeugd")
        }
        Zoekveld::Uitkomst => {
            let right = ["gevonden", "niet_gevonden"].contains(&value);
            (right.then(|| value.to_owned()), "gevonden of niet_gevonden")
        }
        Zoekveld::Weigering => {
            let right = codes().contains(&value);
            (right.then(|| value.to_owned()), "codes van weigeringen, zoals geen_regel")
        }
        // What convenanten call them is open, and a text of long ago may have called them otherwise.
        Zoekveld::Afzender | Zoekveld::Ontvanger | Zoekveld::Grondslag | Zoekveld::Regel => {
            (Some(value.to_owned()), "")
        }
    };
    right.unwrap_or_else(|| {
        checker.wrong(&format!("filter.{name}"), asked);
        String::new()
    })
}

/// Every role that can stand in a logregel.
const ROLLEN: [&str; 7] = ["partner", "fg", "auditor", "beheer", "tekent", "contact", "poort"];

/// Every code that can stand under `weigering`.
#[must_use]
pub fn codes() -> Vec<&'static str> {
    let kept = Vernietiging::ALL.into_iter().filter(|uitkomst| *uitkomst != Vernietiging::Vernietigd);
    let codes = Weigering::TABLE.iter().map(|row| row.code).chain(kept.map(Vernietiging::as_str));
    codes.chain([RedenIntrekking::VerkeerdGeadresseerd.as_str()]).collect()
}

/// The values of a field: few and short.
fn values_of(checker: &mut Checker, name: &str, values: &[String]) {
    let veld = format!("filter.{name}");
    checker.count(&veld, values.len(), 0..=MOST_VALUES);
    for value in values.iter().take(MOST_VALUES) {
        checker.text(&veld, value, 1..=200);
    }
}

/// Two days, in order, and not too far apart.
pub(super) fn days(checker: &mut Checker, van: (&str, &str), tot_en_met: (&str, &str)) -> (Option<Date>, Option<Date>) {
    let mut day = |(veld, text): (&str, &str)| if text.is_empty() { None } else { checker.date(veld, text) };
    let (from, to) = (day(van), day(tot_en_met));
    if let Some((from, to)) = from.zip(to) {
        if to < from {
            checker.wrong(tot_en_met.0, "een dag die niet voor de eerste dag ligt");
        } else if (to - from).get_days() > MOST_DAYS {
            checker.wrong(tot_en_met.0, "een dag die hoogstens 10 jaar later ligt");
        }
    }
    (from, to)
}

/// Checks who looks, and why.
pub fn checked_inzage(checker: &mut Checker, medewerker: &str, reden: Option<&String>) {
    checker.text("inzage.medewerker", medewerker, 1..=64);
    if medewerker.contains(['\n', '\t']) {
        checker.wrong("inzage.medewerker", "een enkele regel zonder tabs");
    }
    if let Some(reden) = reden {
        checker.visible("inzage.reden", reden, 1..=500);
    }
}

/// Who looks, and why.
pub(super) fn parse_inzage(inzage: Option<&proto::Inzage>) -> Result<Inzage, Weigering> {
    let mut checker = Checker::default();
    let proto::Inzage { medewerker, reden } = inzage.cloned().unwrap_or_default();
    checked_inzage(&mut checker, &medewerker, Some(&reden).filter(|reden| !reden.is_empty()));
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    Ok(Inzage { medewerker, reden: Some(reden).filter(|reden| !reden.is_empty()) })
}
