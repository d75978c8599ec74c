//! Uitwisselingen (exchanges): what was exchanged in a period, by what it has; and between whom, drawn.
//!
//! What is searched for stands in the address. Who searches for an employee posts that, with why.

pub(super) mod leven;

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};

use super::{
    gebeurtenis::gebeurtenis,
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    stroom::{Hitte, Stroom},
    velden::{Gepost, Velden},
    woorden::{aantal, getal, leesbaar, wanneer},
};
use crate::{
    domain::{Berichtsoort, Weigering},
    exchange::{
        Exchange,
        toezicht::{Getoond, rapport::Periode, zoek::Zoekopdracht},
    },
    grpc::zoekfilter::{codes, opdracht},
    logboek::{Logregel, Soort},
    proto,
};

/// Regels on a page.
const IN_PAGE: u32 = 50;
/// Fields of the filter that can have several values.
const REPEATED: [&str; 12] = [
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
/// The value of `toon` where it is drawn who sent to whom.
const DRAWN: &str = "wie-met-wie";
/// Fields that have one.
const SINGLE: [&str; 7] =
    ["van", "tot_en_met", "houdbaar_van", "houdbaar_tot_en_met", "buiten_kantooruren", "pagina", "toon"];

/// A regel that was found, on a page.
pub(super) struct Rij {
    pub(super) wanneer: String,
    pub(super) zin: String,
    pub(super) naar: String,
    pub(super) bewijs: String,
    pub(super) nummer: u64,
}

impl Rij {
    pub(super) fn new(getoond: &Getoond) -> Result<Self, Weigering> {
        let regel = parsed(getoond)?;
        let bericht = regel.bericht.as_ref();
        Ok(Self {
            wanneer: wanneer(&regel),
            zin: gebeurtenis(getoond, &regel),
            naar: bericht.map_or_else(String::new, |bericht| format!("/uitwisselingen/{bericht}")),
            bewijs: format!("/bewijs/{}", getoond.log_index),
            nummer: getoond.log_index,
        })
    }
}

/// A regel that is shown, read.
pub(super) fn parsed(getoond: &Getoond) -> Result<Logregel, Weigering> {
    Logregel::from_leaf(&getoond.leaf).map_err(|error| {
        tracing::error!(%error, log_index = getoond.log_index, "a regel of the logboek cannot be read");
        Weigering::NietBeschikbaar
    })
}

/// A choice of a select.
struct Optie {
    waarde: String,
    naam: String,
    gekozen: bool,
}

/// A field of the filter with its choices.
struct Keuzeveld {
    naam: &'static str,
    label: &'static str,
    opties: Vec<Optie>,
}

#[derive(Template)]
#[template(path = "uitwisselingen.html")]
struct Uitwisselingen {
    kop: Kop,
    keuze: Keuze,
    velden: Vec<Keuzeveld>,
    teksten: Vec<(&'static str, &'static str, String)>,
    buiten_kantooruren: bool,
    /// Whether anything is left out by a filter.
    is_gefilterd: bool,
    /// Whether it is drawn who sent to whom, instead of a list.
    is_drawn: bool,
    /// The address of the other one.
    anders: String,
    gevonden: String,
    rijen: Vec<Rij>,
    /// The address of the next page; nothing where there is none.
    volgende: String,
    /// The same for what was posted: the token of the next page.
    verder: String,
    medewerker: String,
    reden: String,
    hitte: Hitte,
    stroom: Stroom,
}

/// What can happen, but for looks: these have a page of their own.
pub(super) fn zonder_blikken() -> Vec<String> {
    let soorten = Soort::ALL.iter().filter(|soort| ![Soort::Ingezien, Soort::Geexporteerd].contains(soort));
    soorten.map(|soort| soort.as_str().to_owned()).collect()
}

/// What the fields ask. Who searches for an employee also sees what that one looked at; who asks for nothing that happened in particular sees
/// no looks.
fn request(velden: &Velden, periode: Periode) -> proto::SearchLogregelsRequest {
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

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        found(&exchange, &kijker, velden.known(&SINGLE, &REPEATED)?).await
    };
    kijker.answer(made).await
}

/// A search for an employee.
pub(super) async fn search(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        found(&exchange, &kijker, velden.known(&["van", "tot_en_met", "medewerker", "reden", "pagina"], &[])?).await
    };
    kijker.answer(made).await
}

async fn found(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Uitwisselingen, Weigering> {
    let periode = periode::of(exchange, velden)?;
    let opdracht: Zoekopdracht = opdracht(&request(velden, periode))?;
    let inzage = kijker.inzage_of(velden, false)?;
    let is_drawn = match velden.value("toon") {
        "" => false,
        DRAWN => true,
        _ => return Err(Weigering::veld("toon", format!("{DRAWN}, of niets"))),
    };
    let buiten_kantooruren = velden.is_ticked("buiten_kantooruren")?;
    let (mut regels, mut volgende, mut gevonden) = (Vec::new(), None, String::new());
    let mut paren = Vec::new();
    if is_drawn {
        paren = exchange.paren(&kijker.call, &inzage, &opdracht).await?;
    } else {
        let found = exchange.search(&kijker.call, &inzage, &opdracht).await?;
        let further = if opdracht.pagina.is_some() { "; dit is een vervolg" } else { "" };
        gevonden = format!(
            "{} gevonden{further}. Bijgewerkt tot logregel {}.",
            aantal(found.aantal, "logregel", "logregels"),
            getal(found.bijgewerkt_tot)
        );
        regels = found.regels;
        volgende = found.volgende;
    }
    let is_posted = !velden.value("medewerker").is_empty();
    let volgende = volgende.unwrap_or_default();
    let other = if is_drawn { "" } else { DRAWN };
    Ok(Uitwisselingen {
        kop: kijker.kop("Uitwisselingen", "/uitwisselingen"),
        keuze: Keuze::new(exchange, periode),
        velden: choices(exchange, velden),
        teksten: texts(velden),
        buiten_kantooruren,
        is_gefilterd: velden.iter().any(|(naam, _)| !["van", "tot_en_met", "toon", "pagina"].contains(&naam)),
        is_drawn,
        anders: velden.without("pagina").with(("toon", other)).address("/uitwisselingen"),
        gevonden,
        rijen: regels.iter().map(Rij::new).collect::<Result<_, _>>()?,
        volgende: if volgende.is_empty() || is_posted {
            String::new()
        } else {
            velden.with(("pagina", &volgende)).address("/uitwisselingen")
        },
        verder: if is_posted { volgende } else { String::new() },
        medewerker: velden.value("medewerker").to_owned(),
        reden: velden.value("reden").to_owned(),
        hitte: Hitte::new(&paren, |van, naar| {
            let pair = [("afzender", van), ("ontvanger", naar), ("soort", Soort::Aanvaard.as_str()), ("toon", "")];
            pair.into_iter().fold(velden.without("pagina"), |velden, pair| velden.with(pair)).address("/uitwisselingen")
        }),
        stroom: Stroom::new(&paren),
    })
}

fn choices(exchange: &Exchange, velden: &Velden) -> Vec<Keuzeveld> {
    let field = |naam: &'static str, label, values: Vec<(String, String)>| {
        let chosen = velden.all(naam);
        let any = if naam == "soort" { "alles, zonder blikken" } else { "alle" };
        let any = Optie { waarde: String::new(), naam: any.to_owned(), gekozen: chosen.is_empty() };
        let option = |(waarde, naam): (String, String)| Optie { gekozen: chosen.contains(&waarde), waarde, naam };
        Keuzeveld { naam, label, opties: std::iter::once(any).chain(values.into_iter().map(option)).collect() }
    };
    let named = |of: &str| (of.to_owned(), leesbaar(of));
    let van_kracht = exchange.van_kracht();
    let partners: Vec<(String, String)> =
        van_kracht.deelnemers().partners.keys().map(|naam| (naam.to_string(), naam.to_string())).collect();
    let soorten = Soort::ALL.iter().map(|soort| named(soort.as_str())).collect();
    let convenanten = van_kracht.convenanten();
    let grondslagen: std::collections::BTreeSet<&str> =
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

fn texts(velden: &Velden) -> Vec<(&'static str, &'static str, String)> {
    let of = |naam: &'static str, label| (naam, label, velden.value(naam).to_owned());
    vec![
        of("loket", "Loket, zoals zsm/jeugd"),
        of("regel", "Regel van het convenant"),
        of("gesprek", "Nummer van een gesprek"),
    ]
}

/// A cell that leads to the exchanges of a pair.
pub(super) fn of_pair(van: &str, naar: &str, periode: Periode) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("van", &periode.van.to_string()).append_pair("tot_en_met", &periode.tot_en_met.to_string());
    query.append_pair("afzender", van).append_pair("ontvanger", naar).append_pair("soort", Soort::Aanvaard.as_str());
    format!("/uitwisselingen?{}", query.finish())
}
