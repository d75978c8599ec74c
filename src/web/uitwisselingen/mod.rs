//! Uitwisselingen (exchanges): what was exchanged in a period, by what it has; and between whom, drawn.
//!
//! What is searched for stands in the address. Who searches for an employee posts that, with why.

mod filter;
pub(super) mod leven;

pub(super) use self::filter::zonder_blikken;

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, extract::State, http::Response};

use self::filter::{Invulveld, Keuzeveld, REPEATED, SINGLE, choices, request, said, texts};
use super::{
    gebeurtenis::gebeurtenis,
    kijker::Kijker,
    pagina::Kop,
    periode::{self, Keuze},
    stroom::{Hitte, Stroom},
    velden::{Gepost, Velden},
    woorden::{aantal, getal, gezocht, wanneer},
};
use crate::{
    domain::Weigering,
    exchange::{
        Exchange,
        toezicht::{
            Getoond,
            rapport::Periode,
            zoek::{Stromen, Zoekopdracht},
        },
    },
    grpc::zoekfilter::opdracht,
    logboek::{Logregel, Soort},
};

/// The value of `toon` where it is drawn who sent to whom.
const DRAWN: &str = "wie-met-wie";

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

#[derive(Template)]
#[template(path = "uitwisselingen.html")]
struct Uitwisselingen {
    kop: Kop,
    keuze: Keuze,
    velden: Vec<Keuzeveld>,
    teksten: Vec<Invulveld>,
    buiten_kantooruren: bool,
    /// Which filters are chosen; nothing where nothing is left out.
    filters: Vec<String>,
    /// For whom and why was searched; nothing for who did not search for anybody.
    gezocht: Vec<String>,
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
        let velden = velden.known(&["van", "tot_en_met", "medewerker", "reden", "pagina"], &[])?;
        if velden.value("medewerker").is_empty() {
            return Err(Weigering::veld("medewerker", "de personeelsreferentie waarnaar u zoekt"));
        }
        found(&exchange, &kijker, velden).await
    };
    kijker.answer(made).await
}

async fn found(exchange: &Exchange, kijker: &Kijker, velden: &Velden) -> Result<Uitwisselingen, Weigering> {
    let periode = periode::of(exchange, velden)?;
    let opdracht: Zoekopdracht = opdracht(&request(velden, periode))?;
    let inzage = kijker.inzage_of(velden, false)?;
    let is_drawn = is_drawn(velden)?;
    let buiten_kantooruren = velden.is_ticked("buiten_kantooruren")?;
    let (mut regels, mut volgende, mut gevonden) = (Vec::new(), None, String::new());
    let mut stromen = Stromen::default();
    if is_drawn {
        stromen = exchange.stromen(&kijker.call, &inzage, &opdracht).await?;
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
    let (medewerker, reden) = (velden.value("medewerker"), velden.value("reden"));
    let is_posted = !medewerker.is_empty();
    let volgende = volgende.unwrap_or_default();
    let other = if is_drawn { "" } else { DRAWN };
    let (keuzes, teksten) = (choices(exchange, velden), texts(velden));
    Ok(Uitwisselingen {
        kop: kijker.kop("Uitwisselingen", "/uitwisselingen"),
        keuze: Keuze::new(exchange, periode),
        filters: said(&keuzes, &teksten, buiten_kantooruren),
        velden: keuzes,
        teksten,
        buiten_kantooruren,
        gezocht: if is_posted { gezocht(exchange, &format!("medewerker {medewerker}"), reden) } else { Vec::new() },
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
        medewerker: medewerker.to_owned(),
        reden: reden.to_owned(),
        hitte: hitte(kijker, velden, &stromen),
        stroom: Stroom::new(&stromen.paren),
    })
}

/// Whether it is asked to draw who sent to whom. That is one page.
fn is_drawn(velden: &Velden) -> Result<bool, Weigering> {
    match (velden.value("toon"), velden.value("pagina")) {
        ("", _) => Ok(false),
        (DRAWN, "") => Ok(true),
        (DRAWN, _) => Err(Weigering::veld("pagina", "niets: wie met wie is een enkele bladzijde")),
        _ => Err(Weigering::veld("toon", format!("{DRAWN}, of niets"))),
    }
}

fn hitte(kijker: &Kijker, velden: &Velden, stromen: &Stromen) -> Hitte {
    let ziet = &kijker.call.identiteit().ziet;
    let address = |van: &str, naar: &str| {
        let pair = [("afzender", van), ("ontvanger", naar), ("soort", Soort::Aanvaard.as_str()), ("toon", "")];
        pair.into_iter().fold(velden.without("pagina"), |velden, pair| velden.with(pair)).address("/uitwisselingen")
    };
    Hitte::new(stromen, |van, naar| ziet.sees_pair(van, naar), address)
}

/// A cell that leads to the exchanges of a pair.
pub(super) fn of_pair(van: &str, naar: &str, periode: Periode) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("van", &periode.van.to_string()).append_pair("tot_en_met", &periode.tot_en_met.to_string());
    query.append_pair("afzender", van).append_pair("ontvanger", naar).append_pair("soort", Soort::Aanvaard.as_str());
    format!("/uitwisselingen?{}", query.finish())
}
