//! Leven (life): what became of one bericht, in order and in words; what it rests on; and its gesprek.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::Response,
};
use jiff::civil::Date;

use super::{Rij, parsed};
use crate::{
    domain::{BerichtId, Status, Weigering, houdbaarheid::amsterdam_date},
    exchange::{
        Exchange, datum,
        toezicht::{Getoond, oog::Convenanten, zoek},
    },
    logboek::{Logregel, Soort},
    web::{
        kijker::Kijker,
        pagina::Kop,
        velden::Velden,
        woorden::{leesbaar, wanneer},
    },
};

/// On what one bericht was exchanged with one ontvanger.
struct Stempel {
    ontvanger: String,
    regel: String,
    grondslag: String,
    /// The text of the grondslag.
    tekst: String,
    status: &'static str,
    convenant: String,
    /// To what was in force on that day.
    convenanten: String,
    /// Into the register of processing.
    register: String,
    tot_en_met: String,
    /// When that ended earlier; nothing where it did not.
    einde: String,
}

/// Another bericht of the same gesprek.
struct InGesprek {
    zin: String,
    wanneer: String,
    naar: String,
}

#[derive(Template)]
#[template(path = "leven.html")]
struct Leven {
    kop: Kop,
    bericht: String,
    stempels: Vec<Stempel>,
    stappen: Vec<Rij>,
    gesprek: Vec<InGesprek>,
    afgekapt: bool,
}

pub(in crate::web) async fn show(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(bericht): Path<String>,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        velden.known(&[], &[])?;
        let id: BerichtId = bericht.parse().map_err(|_| Weigering::veld("bericht", "de id van een bericht"))?;
        leven(&kijker, id, exchange.leven(&kijker.call, &kijker.inzage(None), id).await?)
    };
    kijker.answer(made).await
}

fn leven(kijker: &Kijker, id: BerichtId, of: zoek::Leven) -> Result<Leven, Weigering> {
    let zoek::Leven { regels, afgekapt, convenanten } = of;
    let (mut stempels, mut stappen, mut gesprek) = (Vec::new(), Vec::new(), BTreeMap::new());
    for getoond in &regels {
        let regel = parsed(getoond)?;
        let of_this = regel.bericht.as_deref() == Some(id.to_string().as_str());
        if of_this || regel.bericht.is_none() {
            stappen.push(Rij::new(getoond)?);
        }
        if regel.soort != Soort::Aanvaard {
            continue;
        }
        if of_this {
            stempels.push(Stempel { einde: einde(&regels, getoond, id)?, ..stempel(getoond, &regel, &convenanten) });
        } else if let Some(bericht) = regel.bericht.clone() {
            let Rij { wanneer, zin, naar, .. } = Rij::new(getoond)?;
            gesprek.entry(bericht).or_insert(InGesprek { zin, wanneer, naar });
        }
    }
    Ok(Leven {
        kop: kijker.kop("Verloop van een bericht", "/uitwisselingen"),
        bericht: id.to_string(),
        stempels,
        stappen,
        gesprek: gesprek.into_values().collect(),
        afgekapt,
    })
}

/// When the content of a bericht ended for one ontvanger before its last day, behind that day.
fn einde(regels: &[Getoond], aanvaard: &Getoond, id: BerichtId) -> Result<String, Weigering> {
    for getoond in regels.iter().filter(|of| of.ontvanger == aanvaard.ontvanger) {
        let regel = parsed(getoond)?;
        let ends = matches!(
            regel.soort,
            Soort::Ingetrokken | Soort::VernietigingGevraagd | Soort::Vernietigd | Soort::Beschadigd
        );
        if ends && regel.bericht.as_deref() == Some(id.to_string().as_str()) {
            return Ok(format!("; de poort geeft het sinds {} aan niemand meer", wanneer(&regel)));
        }
    }
    Ok(String::new())
}

fn stempel(getoond: &Getoond, regel: &Logregel, convenanten: &Convenanten) -> Stempel {
    let convenant = regel.convenant.as_ref().and_then(|hash| convenanten.get(hash));
    let grondslag = convenant.zip(regel.grondslag.as_deref()).and_then(|(of, id)| of.grondslag(id));
    let text = |of: &Option<String>| of.clone().unwrap_or_default();
    let last_day = regel.houdbaar_tot_en_met.as_deref();
    let day = regel.tijd.parse().ok().map(amsterdam_date);
    Stempel {
        ontvanger: text(&getoond.ontvanger),
        regel: text(&regel.regel),
        grondslag: leesbaar(&text(&regel.grondslag)),
        tekst: grondslag.map_or_else(
            || "De tekst van deze grondslag is met de regels van nu niet meer te lezen.".to_owned(),
            |of| format!("{}. {}", of.citaat.trim_end_matches('.'), of.omschrijving),
        ),
        status: match grondslag.map(|of| &of.status) {
            Some(Status::Bevestigd) => "Een jurist bevestigde deze grondslag.",
            Some(Status::TeBevestigen(Some(_))) => "Geen jurist bevestigde deze grondslag; iemand aanvaardde dat.",
            Some(Status::TeBevestigen(None)) => "Geen jurist bevestigde deze grondslag.",
            None => "",
        },
        convenant: convenant
            .map_or_else(|| "onbekend".to_owned(), |of| format!("{} ({}, versie {})", of.titel, of.naam, of.versie)),
        convenanten: day.map(|day| format!("/convenanten?op={day}")).unwrap_or_default(),
        register: text(&regel.verwerkingsactiviteit),
        tot_en_met: last_day.and_then(|day| day.parse::<Date>().ok()).map(datum::dag).unwrap_or_default(),
        einde: String::new(),
    }
}
