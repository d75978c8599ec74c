//! Betrokkene: whom something is about. Who searches says why. Nothing of it stands in an address.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};

use super::{
    kijker::Kijker,
    pagina::Kop,
    uitwisselingen::Rij,
    velden::{Gepost, Velden},
    woorden::aantal,
};
use crate::{domain::Weigering, exchange::Exchange, grpc::zoekfilter::opdracht, proto};

/// Regels on a page.
const IN_PAGE: u32 = 50;
const FIELDS: [&str; 6] = ["naam", "geboortedatum", "skn", "bsn", "reden", "pagina"];

#[derive(Template)]
#[template(path = "betrokkene.html")]
struct Betrokkene {
    kop: Kop,
    /// Nothing before somebody searched.
    gevonden: Option<String>,
    rijen: Vec<Rij>,
    /// The fields that were posted, and the token of the next page where there is one.
    gepost: Vec<(String, String)>,
    verder: String,
}

pub(super) async fn show(kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        let kop = kijker.kop("Betrokkene", "/betrokkene");
        Ok(Betrokkene { kop, gevonden: None, rijen: Vec::new(), gepost: Vec::new(), verder: String::new() })
    };
    kijker.answer(made).await
}

pub(super) async fn search(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        found(&exchange, &kijker, velden.known(&FIELDS, &[])?).await
    };
    kijker.answer(made).await
}

async fn found(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Betrokkene, Weigering> {
    let request = proto::SearchLogregelsRequest {
        inzage: Some(proto::Inzage { reden: velden.value("reden").to_owned(), ..proto::Inzage::default() }),
        filter: Some(proto::Zoekfilter { betrokkene: Some(velden.persoon()), ..proto::Zoekfilter::default() }),
        pagina_grootte: IN_PAGE,
        pagina: velden.value("pagina").to_owned(),
        nieuwste_eerst: true,
    };
    let inzage = kijker.inzage_of(velden, false)?;
    let found = exchange.search(&kijker.call, &inzage, &opdracht(&request)?).await?;
    let gepost = velden.without("pagina");
    Ok(Betrokkene {
        kop: kijker.kop("Betrokkene", "/betrokkene"),
        gevonden: Some(format!("{} over deze persoon.", aantal(found.aantal, "logregel", "logregels"))),
        rijen: found.regels.iter().map(Rij::new).collect::<Result<_, _>>()?,
        gepost: gepost.iter().map(|(naam, value)| (naam.to_owned(), value.to_owned())).collect(),
        verder: found.volgende.unwrap_or_default(),
    })
}
