//! Betrokkene: whom something is about. Who searches says why. Nothing of it stands in an address.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};
use jiff::civil::Date;

use super::{
    kijker::Kijker,
    pagina::Kop,
    uitwisselingen::Rij,
    velden::{Gepost, Velden},
    woorden::{aantal, gezocht},
};
use crate::{
    domain::{Weigering, houdbaarheid::amsterdam_date},
    exchange::Exchange,
    grpc::zoekfilter::opdracht,
    proto,
};

/// Regels on a page.
const IN_PAGE: u32 = 50;
const FIELDS: [&str; 6] = ["naam", "geboortedatum", "skn", "bsn", "reden", "pagina"];

#[derive(Template)]
#[template(path = "betrokkene.html")]
struct Betrokkene {
    kop: Kop,
    /// What was searched for and what was found; nothing before somebody searched.
    gevonden: Vec<String>,
    rijen: Vec<Rij>,
    /// The fields that were posted, and the token of the next page where there is one.
    gepost: Vec<(String, String)>,
    verder: String,
}

pub(super) async fn show(kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        // Nothing of the logboek is shown before somebody searches.
        let kop = kijker.kop("Betrokkene", "/betrokkene").zonder_blik();
        Ok(Betrokkene { kop, gevonden: Vec::new(), rijen: Vec::new(), gepost: Vec::new(), verder: String::new() })
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

/// Whom was searched for, and what was found.
fn searched(exchange: &Exchange, velden: &Velden, found: u64) -> Vec<String> {
    let marks = [("naam", ""), ("geboortedatum", "geboren "), ("skn", "SKN "), ("bsn", "BSN ")];
    let given = marks.map(|(naam, before)| (velden.value(naam), before));
    let given: Vec<String> =
        given.iter().filter(|(value, _)| !value.is_empty()).map(|(value, before)| format!("{before}{value}")).collect();
    let mut zinnen = gezocht(exchange, &given.join(", "), velden.value("reden"));
    zinnen.push(format!("{} over deze persoon.", aantal(found, "logregel", "logregels")));
    if ["naam", "skn", "bsn"].iter().filter(|naam| !velden.value(naam).is_empty()).count() > 1 {
        zinnen.push(
            "Gevonden is wat op een van deze kenmerken past; of zij van een persoon zijn, weet de poort niet."
                .to_owned(),
        );
    }
    zinnen
}

async fn found(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Betrokkene, Weigering> {
    let request = proto::SearchLogregelsRequest {
        inzage: Some(proto::Inzage { reden: velden.value("reden").to_owned(), ..proto::Inzage::default() }),
        filter: Some(proto::Zoekfilter { betrokkene: Some(velden.persoon()), ..proto::Zoekfilter::default() }),
        pagina_grootte: IN_PAGE,
        pagina: velden.value("pagina").to_owned(),
        nieuwste_eerst: true,
    };
    let born: Option<Date> = velden.value("geboortedatum").parse().ok();
    if born.is_some_and(|born| born > amsterdam_date(exchange.klok.now())) {
        return Err(Weigering::veld("geboortedatum", "vandaag of eerder"));
    }
    let inzage = kijker.inzage_of(velden, false)?;
    let found = exchange.search(&kijker.call, &inzage, &opdracht(&request)?).await?;
    let gepost = velden.without("pagina");
    Ok(Betrokkene {
        kop: kijker.kop("Betrokkene", "/betrokkene"),
        gevonden: searched(exchange, velden, found.aantal),
        rijen: found.regels.iter().map(Rij::new).collect::<Result<_, _>>()?,
        gepost: gepost.iter().map(|(naam, value)| (naam.to_owned(), value.to_owned())).collect(),
        verder: found.volgende.unwrap_or_default(),
    })
}
