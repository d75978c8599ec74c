//! Inzage: the dossiers of people who ask what was exchanged about them. The contactpunt works in them here; who watches looks.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;

use super::{
    kijker::Kijker,
    pagina::Kop,
    velden::{Gepost, Velden},
    woorden::{aantal, leesbaar},
};
use crate::{
    domain::{
        Rol, Weigering,
        inzage::{Grond, Oordeel},
    },
    exchange::{
        Exchange, datum,
        dossier::{Daad, Getoond, GetoondeRij, RijSoort},
    },
    grpc::inzage::{besluit, of_grond, verzoek},
    proto,
};

/// A dossier in the list.
struct Rij {
    nummer: u64,
    wie: String,
    contactpunt: String,
    antwoord_voor: String,
    stand: String,
}

#[derive(Template)]
#[template(path = "dossiers.html")]
struct Dossiers {
    kop: Kop,
    is_contactpunt: bool,
    ook_gesloten: bool,
    rijen: Vec<Rij>,
    afgekapt: bool,
}

/// A row of a dossier.
struct DossierRij {
    nummer: u64,
    soort: &'static str,
    zinnen: Vec<String>,
    herkend_op: String,
    oordelen: Vec<String>,
    /// Whether the contactpunt that looks decides about it.
    te_besluiten: bool,
}

#[derive(Template)]
#[template(path = "dossier.html")]
struct Dossier {
    kop: Kop,
    is_contactpunt: bool,
    is_open: bool,
    is_eigen: bool,
    wie: Vec<String>,
    stand: Vec<String>,
    rijen: Vec<DossierRij>,
    gronden: Vec<(&'static str, String)>,
    overzicht: Option<String>,
}

fn is_contactpunt(kijker: &Kijker) -> bool {
    kijker.call.identiteit().rol == Rol::Contact
}

pub(super) async fn list(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        let ook_gesloten = velden.known(&["ook_gesloten"], &[])?.is_ticked("ook_gesloten")?;
        let (dossiers, afgekapt) = exchange.list_dossiers(&kijker.call, &kijker.inzage(None), ook_gesloten).await?;
        let rijen = dossiers.into_iter().map(|of| Rij {
            nummer: of.nummer,
            wie: of.verzoek.as_ref().map_or_else(String::new, |of| format!("{}, kenmerk {}", of.naam, of.kenmerk)),
            stand: stand(&of).remove(0),
            antwoord_voor: datum::moment(of.termijnen.antwoord_voor),
            contactpunt: of.contactpunt,
        });
        Ok(Dossiers {
            kop: kijker.kop("Verzoeken om inzage", "/inzage"),
            is_contactpunt: is_contactpunt(&kijker),
            ook_gesloten,
            rijen: rijen.collect(),
            afgekapt,
        })
    };
    kijker.answer(made).await
}

/// Opens a dossier.
pub(super) async fn open(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let made = async {
        let fields = ["naam", "geboortedatum", "skn", "bsn", "kenmerk", "ontvangen_op", "medewerker"];
        let velden = velden.known(&fields, &[])?;
        let request = proto::OpenDossierRequest {
            persoon: Some(velden.persoon()),
            kenmerk: velden.value("kenmerk").to_owned(),
            ontvangen_op: velden.value("ontvangen_op").to_owned(),
            ..proto::OpenDossierRequest::default()
        };
        let (persoon, asked) = verzoek(&request)?;
        exchange.open_dossier(&kijker.call, &kijker.inzage_of(velden, true)?, (&persoon, asked)).await
    };
    let made = made.await;
    then(&kijker, made).await
}

pub(super) async fn show(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(nummer): Path<String>,
    velden: Velden,
) -> Response<Body> {
    let made = async {
        velden.known(&[], &[])?;
        let of = exchange.dossier(&kijker.call, &kijker.inzage(None), number(&nummer)?).await?;
        Ok(dossier(&kijker, of))
    };
    kijker.answer(made).await
}

/// Decides, extends or closes.
pub(super) async fn act(
    State(exchange): State<Arc<Exchange>>,
    kijker: Kijker,
    Path(nummer): Path<String>,
    Gepost(velden): Gepost,
) -> Response<Body> {
    let made = async {
        let nummer = number(&nummer)?;
        let of_rows = ["rij-", "toelichting-", "stil-"];
        let rows: Vec<&str> =
            velden.iter().map(|(naam, _)| naam).filter(|naam| of_rows.iter().any(|of| naam.starts_with(of))).collect();
        let velden = velden.known(&[rows.as_slice(), &["daad", "medewerker", "reden"]].concat(), &[])?;
        let inzage = kijker.inzage_of(velden, true)?;
        let daad = match velden.value("daad") {
            "besluit" => {
                let (named, others) = besluit(&decisions(velden)?)?;
                Daad::Besluit(named, others)
            }
            "verleng" if inzage.reden.is_none() => {
                let uitleg = "waarom het antwoord langer duurt; zeg dat ook de betrokkene";
                return Err(Weigering::veld("reden", uitleg));
            }
            "verleng" => Daad::Verlenging,
            "sluit" => Daad::Sluiting,
            _ => return Err(Weigering::veld("daad", "besluit, verleng of sluit")),
        };
        exchange.do_in_dossier(&kijker.call, &inzage, (nummer, &daad)).await
    };
    let made = made.await;
    then(&kijker, made).await
}

/// What was done is shown at an address of its own: going back, or loading anew, does it no second time.
async fn then(kijker: &Kijker, made: Result<Getoond, Weigering>) -> Response<Body> {
    match made {
        Ok(of) => (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/inzage/{}", of.nummer))]).into_response(),
        Err(weigering) => kijker.refused(weigering).await,
    }
}

fn number(nummer: &str) -> Result<u64, Weigering> {
    nummer.parse().map_err(|_| Weigering::veld("dossier", "het nummer van een dossier"))
}

/// What the fields of each row say.
fn decisions(velden: &Velden) -> Result<proto::DecideDossierRequest, Weigering> {
    let mut request = proto::DecideDossierRequest::default();
    for (naam, value) in velden.iter() {
        let Some((what, rij)) = naam.split_once('-') else { continue };
        if what != "rij" {
            if velden.value(&format!("rij-{rij}")).is_empty() {
                return Err(Weigering::veld(naam, "alleen bij een rij waarover u besluit"));
            }
            continue;
        }
        let log_index = number(rij)?;
        let (toelichting, verzwijgen) =
            (velden.value(&format!("toelichting-{rij}")).to_owned(), !velden.value(&format!("stil-{rij}")).is_empty());
        let oordeel = match value {
            "vrijgeven" if !toelichting.is_empty() || verzwijgen => {
                return Err(Weigering::veld(naam, "bij vrijgeven geen toelichting, en niet verzwijgen"));
            }
            "vrijgeven" => proto::Oordeel { vrijgeven: true, ..proto::Oordeel::default() },
            grond => {
                let grond: Grond = grond.parse().map_err(|()| Weigering::veld(naam, "vrijgeven, of een grond"))?;
                proto::Oordeel { vrijgeven: false, grond: of_grond(grond).into(), toelichting, verzwijgen }
            }
        };
        request.besluiten.push(proto::RijBesluit { log_index, oordeel: Some(oordeel) });
    }
    Ok(request)
}

fn moment(tijd: &str) -> String {
    tijd.parse::<Timestamp>().map(datum::moment).unwrap_or_default()
}

/// How a dossier stands, in sentences; the first says the most.
fn stand(of: &Getoond) -> Vec<String> {
    let mut zinnen = vec![match (&of.gesloten, of.te_laat) {
        (Some(op), false) => format!("Verstrekt op {}.", moment(op)),
        (Some(op), true) => format!("Verstrekt op {}, na de termijn.", moment(op)),
        (None, true) => "De termijn is voorbij.".to_owned(),
        (None, false) if of.nog_te_besluiten == 0 => "Alle partners besloten.".to_owned(),
        (None, false) => {
            format!("{} nog besluiten.", aantal(of.nog_te_besluiten.into(), "partner moet", "partners moeten"))
        }
    }];
    if let Some(op) = &of.gesloten {
        zinnen.push(format!(
            "Hieronder staat wat er op {} was te zeggen, en zo is het verstrekt. Wat er daarna gebeurde staat er niet bij.",
            moment(op)
        ));
    }
    zinnen.push(format!("Te beantwoorden voor {}.", datum::moment(of.termijnen.antwoord_voor)));
    zinnen.push(format!("Partners besluiten voor {}.", datum::moment(of.termijnen.besluiten_voor)));
    if of.verlengd {
        zinnen.push("De termijn is verlengd.".to_owned());
    }
    if !of.vertrokken.is_empty() {
        zinnen.push(format!("Geen deelnemer meer, dus niemand besluit voor hen: {}.", of.vertrokken.join(", ")));
    }
    for asked in &of.gevraagd {
        let decided = match (&asked.besloten, asked.te_laat) {
            (Some(op), _) => format!("{} besloot op {}.", asked.partner, moment(op)),
            (None, true) => format!("{} besloot niet op tijd.", asked.partner),
            (None, false) => format!("{} besloot nog niet.", asked.partner),
        };
        zinnen.push(decided);
        zinnen.extend(asked.achtergehouden.iter().map(|((grond, verzwegen), rijen)| {
            let silent = if *verzwegen { ", in stilte" } else { "" };
            format!(
                "{} houdt {} achter{silent}, omdat {}.",
                asked.partner,
                aantal((*rijen).into(), "rij", "rijen"),
                grond.uitleg()
            )
        }));
    }
    zinnen
}

fn dossier(kijker: &Kijker, of: Getoond) -> Dossier {
    let partner = kijker.call.identiteit().partner.as_str();
    let (stand, is_contactpunt, is_open) = (stand(&of), is_contactpunt(kijker), of.gesloten.is_none());
    let row = |rij: GetoondeRij| {
        let GetoondeRij { log_index, soort, zinnen, partners, herkend_op, oordelen } = rij;
        let decided = |(partner, oordeel): (String, Oordeel)| match oordeel {
            Oordeel::Vrijgegeven => format!("{partner} geeft het vrij."),
            Oordeel::Achtergehouden { grond, toelichting, verzwegen } => {
                let silent = if verzwegen { " in stilte" } else { "" };
                let said = toelichting.map_or_else(String::new, |text| format!(" Toelichting: {text}"));
                format!("{partner} houdt het{silent} achter, omdat {}.{said}", grond.uitleg())
            }
        };
        DossierRij {
            nummer: log_index,
            soort: match soort {
                RijSoort::Uitwisseling => "Bericht",
                RijSoort::Zoekvraag => "Zoekvraag",
                RijSoort::Weigering => "Weigering",
                RijSoort::Toezicht => "Toezicht",
            },
            zinnen,
            herkend_op: leesbaar(herkend_op.as_str()),
            te_besluiten: is_contactpunt && is_open && partners.iter().any(|of| of == partner),
            oordelen: oordelen.into_iter().map(decided).collect(),
        }
    };
    let verzoek = of.verzoek.as_ref();
    let wie = verzoek.map_or_else(Vec::new, |of| {
        vec![
            format!("{}, geboren {}.", of.naam, of.geboortedatum),
            format!("Verzoek ontvangen op {}, kenmerk {}.", datum::dag(of.ontvangen_op), of.kenmerk),
        ]
    });
    Dossier {
        kop: kijker.kop(&format!("Verzoek om inzage {}", of.nummer), "/inzage"),
        is_contactpunt,
        is_open,
        is_eigen: is_contactpunt && of.contactpunt == partner,
        wie,
        stand,
        gronden: Grond::ALL.map(|grond| (grond.as_str(), leesbaar(grond.as_str()))).to_vec(),
        rijen: of.rijen.into_iter().map(row).collect(),
        overzicht: of.overzicht,
    }
}
