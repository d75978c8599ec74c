//! Wie keek er (who looked): the looks and acts of toezicht and beheer, each of them.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};

use super::{
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    uitwisselingen::Rij,
    velden::Velden,
    woorden::aantal,
};
use crate::{domain::Weigering, exchange::Exchange, grpc::zoekfilter::opdracht, logboek::Soort, proto};

/// Regels on a page.
const IN_PAGE: u32 = 50;
/// What is a look, or an act of beheer.
const LOOKS: [Soort; 7] = [
    Soort::Ingezien,
    Soort::Geexporteerd,
    Soort::Beheerd,
    Soort::ConvenantGewijzigd,
    Soort::PartnerGewijzigd,
    Soort::Voorgesteld,
    Soort::Bekrachtigd,
];

#[derive(Template)]
#[template(path = "wie.html")]
struct Wie {
    kop: Kop,
    keuze: Keuze,
    gevonden: String,
    rijen: Vec<Rij>,
    volgende: String,
}

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        looks(&exchange, &kijker, velden.known(&["van", "tot_en_met", "pagina"], &[])?).await
    };
    kijker.answer(made).await
}

async fn looks(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Wie, Weigering> {
    let periode = periode::of(exchange, velden)?;
    let request = proto::SearchLogregelsRequest {
        inzage: None,
        filter: Some(proto::Zoekfilter {
            van: periode.van.to_string(),
            tot_en_met: periode.tot_en_met.to_string(),
            soort: LOOKS.map(|soort| soort.as_str().to_owned()).to_vec(),
            ..proto::Zoekfilter::default()
        }),
        pagina_grootte: IN_PAGE,
        pagina: velden.value("pagina").to_owned(),
        nieuwste_eerst: true,
    };
    let found = exchange.search(&kijker.call, &kijker.inzage(None), &opdracht(&request)?).await?;
    Ok(Wie {
        kop: kijker.kop("Wie keek er", "/wie-keek"),
        keuze: Keuze::new(exchange, periode),
        gevonden: format!(
            "{} van toezicht en beheer.",
            aantal(found.aantal, "blik of handeling", "blikken en handelingen")
        ),
        rijen: found.regels.iter().map(Rij::new).collect::<Result<_, _>>()?,
        volgende: found.volgende.map(|token| velden.with(("pagina", &token)).address("/wie-keek")).unwrap_or_default(),
    })
}
