//! Filter: which exchanges are asked for: as fields of a form, as it is said on the page and on paper, and as it is asked of the logboek.

use std::collections::BTreeSet;

use crate::{
    domain::Berichtsoort,
    exchange::{Exchange, datum, toezicht::rapport::Periode},
    grpc::zoekfilter::codes,
    logboek::Soort,
    proto,
    web::{velden::Velden, woorden::leesbaar},
};

/// Regels on a page.
const IN_PAGE: u32 = 50;
/// Fields of the filter that can have several values.
pub(super) const REPEATED: [&str; 12] = [
    "partner",
    "afzender",
    "ontvanger",
    "loket",
    "soort",
    "berichtsoort",
    "grondslag",
    "regel",
    "convenant",
    "weigering",
    "uitkomst",
    "gesprek",
];
/// Fields that have one.
pub(super) const SINGLE: [&str; 7] =
    ["van", "tot_en_met", "houdbaar_van", "houdbaar_tot_en_met", "buiten_kantooruren", "pagina", "toon"];

/// A choice of a select.
pub(super) struct Optie {
    pub(super) waarde: String,
    pub(super) naam: String,
    pub(super) gekozen: bool,
}

/// A field of the filter with its choices.
pub(super) struct Keuzeveld {
    pub(super) naam: &'static str,
    pub(super) label: &'static str,
    pub(super) opties: Vec<Optie>,
    /// Whether several are chosen, as a link of another page can.
    pub(super) is_meer: bool,
}

/// A field of the filter that is filled in.
pub(super) struct Invulveld {
    pub(super) naam: &'static str,
    /// Unique on the page.
    pub(super) id: String,
    pub(super) label: &'static str,
    /// What is like it; nothing where empty.
    pub(super) voorbeeld: &'static str,
    /// Of an input.
    pub(super) soort: &'static str,
    pub(super) waarde: String,
}

/// What can happen, but for looks: these have a page of their own.
pub(in crate::web) fn zonder_blikken() -> Vec<String> {
    let soorten = Soort::ALL.iter().filter(|soort| ![Soort::Ingezien, Soort::Geexporteerd].contains(soort));
    soorten.map(|soort| soort.as_str().to_owned()).collect()
}

/// What the fields ask. Who searches for an employee also sees what that one looked at; who asks for nothing that happened in particular sees
/// no looks.
pub(super) fn request(velden: &Velden, periode: Periode) -> proto::SearchLogregelsRequest {
    let one = |naam: &str| velden.value(naam).to_owned();
    let chosen = velden.all("soort");
    let all = chosen.is_empty() && velden.value("medewerker").is_empty();
    let filter = proto::Zoekfilter {
        van: periode.van.to_string(),
        tot_en_met: periode.tot_en_met.to_string(),
        partner: velden.all("partner"),
        afzender: velden.all("afzender"),
        ontvanger: velden.all("ontvanger"),
        loket: velden.all("loket"),
        soort: if all { zonder_blikken() } else { chosen },
        berichtsoort: velden.all("berichtsoort"),
        grondslag: velden.all("grondslag"),
        regel: velden.all("regel"),
        convenant: velden.all("convenant"),
        weigering: velden.all("weigering"),
        uitkomst: velden.all("uitkomst"),
        gesprek: velden.all("gesprek"),
        houdbaar_van: one("houdbaar_van"),
        houdbaar_tot_en_met: one("houdbaar_tot_en_met"),
        buiten_kantooruren: !velden.value("buiten_kantooruren").is_empty(),
        medewerker: one("medewerker"),
        ..proto::Zoekfilter::default()
    };
    let inzage = proto::Inzage { reden: one("reden"), ..proto::Inzage::default() };
    proto::SearchLogregelsRequest {
        inzage: Some(inzage),
        filter: Some(filter),
        pagina_grootte: IN_PAGE,
        pagina: one("pagina"),
        nieuwste_eerst: true,
    }
}

pub(super) fn choices(exchange: &Exchange, velden: &Velden) -> Vec<Keuzeveld> {
    let field = |naam: &'static str, label, values: Vec<(String, String)>| choice(velden, (naam, label), values);
    let named = |of: &str| (of.to_owned(), leesbaar(of));
    let van_kracht = exchange.van_kracht();
    let partners: Vec<(String, String)> =
        van_kracht.deelnemers().partners.keys().map(|naam| (naam.to_string(), naam.to_string())).collect();
    let soorten = Soort::ALL.iter().map(|soort| named(soort.as_str())).collect();
    let convenanten = van_kracht.convenanten();
    let grondslagen: BTreeSet<&str> =
        convenanten.iter().flat_map(|of| &of.grondslagen).map(|of| of.id.as_str()).collect();
    vec![
        field("partner", "Partner", partners.clone()),
        field("afzender", "Afzender", partners.clone()),
        field("ontvanger", "Ontvanger", partners),
        field("soort", "Wat er gebeurde", soorten),
        field("berichtsoort", "Soort bericht", Berichtsoort::ALL.iter().map(|soort| named(soort.as_str())).collect()),
        field("grondslag", "Grondslag", grondslagen.into_iter().map(named).collect()),
        field("convenant", "Convenant", convenanten.iter().map(|of| (of.naam.clone(), of.titel.clone())).collect()),
        field("weigering", "Reden van weigering", codes().into_iter().map(named).collect()),
        field("uitkomst", "Uitkomst van zoeken", vec![named("gevonden"), named("niet_gevonden")]),
    ]
}

/// A select. What is asked for and is not among its values, as what was in force long ago, is an option of its own: it must not show "alle".
fn choice(
    velden: &Velden,
    (naam, label): (&'static str, &'static str),
    mut values: Vec<(String, String)>,
) -> Keuzeveld {
    let mut chosen = velden.all(naam);
    chosen.sort();
    chosen.dedup();
    for waarde in &chosen {
        if !values.iter().any(|(known, _)| known == waarde) {
            values.push((waarde.clone(), waarde.clone()));
        }
    }
    let any = if naam == "soort" { "alles, zonder blikken" } else { "alle" };
    let any = Optie { waarde: String::new(), naam: any.to_owned(), gekozen: chosen.is_empty() };
    let option = |(waarde, naam): (String, String)| Optie { gekozen: chosen.contains(&waarde), waarde, naam };
    let opties = std::iter::once(any).chain(values.into_iter().map(option)).collect();
    Keuzeveld { naam, label, opties, is_meer: chosen.len() > 1 }
}

/// What is filled in; of what has several values each, so that none is lost on a new search.
pub(super) fn texts(velden: &Velden) -> Vec<Invulveld> {
    let of = |naam: &'static str, label: &'static str, voorbeeld: &'static str, soort: &'static str| {
        let mut values = velden.all(naam);
        if values.is_empty() {
            values.push(String::new());
        }
        let id = move |at: usize| if at == 0 { naam.to_owned() } else { format!("{naam}-{}", at + 1) };
        let values = values.into_iter().enumerate();
        values.map(move |(at, waarde)| Invulveld { naam, id: id(at), label, voorbeeld, soort, waarde })
    };
    of("loket", "Loket", ", zoals zsm/jeugd", "text")
        .chain(of("regel", "Regel van het convenant", "", "text"))
        .chain(of("gesprek", "Nummer van een gesprek", "", "text"))
        .chain(of("houdbaar_van", "Laatste houdbare dag, van", "", "date"))
        .chain(of("houdbaar_tot_en_met", "Laatste houdbare dag, tot en met", "", "date"))
        .collect()
}

/// Which filters are chosen, in sentences, because on paper there is no form; none where nothing is left out.
pub(super) fn said(velden: &[Keuzeveld], teksten: &[Invulveld], buiten_kantooruren: bool) -> Vec<String> {
    let chosen = velden.iter().filter_map(|veld| {
        let names = veld.opties.iter().filter(|optie| optie.gekozen && !optie.waarde.is_empty());
        let names: Vec<&str> = names.map(|optie| optie.naam.as_str()).collect();
        (!names.is_empty()).then(|| format!("{}: {}.", veld.label, names.join(" of ")))
    });
    let filled = teksten.iter().filter(|veld| !veld.waarde.is_empty());
    let filled = filled.map(|veld| {
        let day = veld.waarde.parse().ok().filter(|_| veld.soort == "date");
        let waarde = day.map_or_else(|| veld.waarde.clone(), datum::dag);
        format!("{}: {waarde}.", veld.label)
    });
    let outside = buiten_kantooruren.then(|| "Alleen buiten kantooruren, zonder wat de poort zelf deed.".to_owned());
    let zinnen: Vec<String> = chosen.chain(filled).chain(outside).collect();
    if zinnen.is_empty() {
        return zinnen;
    }
    let first = "U ziet niet alles, maar alleen wat bij deze filters past.".to_owned();
    std::iter::once(first).chain(zinnen).collect()
}
